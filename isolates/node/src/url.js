// node:url
const url = require("unenv/node/url").default;

function format(value, options) {
  if (!(value instanceof URL)) return url.format(value, options);
  const copy = new URL(value.href);
  if (options?.fragment === false) copy.hash = "";
  if (options?.search === false) copy.search = "";
  if (options?.auth === false) copy.username = copy.password = "";
  const text = options?.unicode === true ?
    copy.href.replace(copy.hostname, url.domainToUnicode(copy.hostname)) : copy.href;
  return text;
}

/** As the URL parser has it: "" for what is no host. */
function domainToASCII(domain) {
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return "";
  }
}

module.exports = { ...url, URL, URLSearchParams, URLPattern: globalThis.URLPattern, format,
  domainToASCII };
