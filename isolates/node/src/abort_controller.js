module.exports = { AbortController, AbortSignal, default: AbortController };
