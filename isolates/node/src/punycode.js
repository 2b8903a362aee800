// node:punycode
module.exports = require("unenv/node/punycode").default;
