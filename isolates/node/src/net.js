// node:net: what can be told of addresses. Sockets are those of "cloudflare:sockets".
const base = require("unenv/node/net").default;

const { canParse } = URL;
const kPart = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const v4 = new RegExp(`^(?:${kPart}\\.){3}${kPart}$`);
/** An address that may name a zone; the standard of URLs says which are addresses. */
const v6 = /^([0-9a-f:.]{2,45})(?:%[0-9a-z]+)?$/i;

const isIPv4 = (value) => v4.test(`${value}`);

function isIPv6(value) {
  const found = v6.exec(`${value}`);
  return found !== null && found[1].includes(":") && canParse(`http://[${found[1]}]/`);
}

const isIP = (value) => isIPv4(value) ? 4 : isIPv6(value) ? 6 : 0;

module.exports = { ...base, isIP, isIPv4, isIPv6 };
