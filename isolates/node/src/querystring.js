// node:querystring
const querystring = require("unenv/node/querystring");
module.exports = { ...querystring.default };
