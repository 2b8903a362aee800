// node:assert
const assert = require("assert/build/assert.js");
module.exports = assert;
