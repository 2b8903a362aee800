// The members of RequestInit that few requests set. https://fetch.spec.whatwg.org/#requestinit
//
// A server has no documents, cookies or cache of its own behind fetch(): most of them are checked,
// kept and given back, and change nothing else.

const { StringPrototypeStartsWith, TypeError } = internals.primordials;
const { createEnumConverter, converters } = internals.webidl;

/** What a request has where nobody said otherwise. */
class Options {
  mode = "cors";
  credentials = "same-origin";
  referrer = "about:client";
  referrerPolicy = "";
  keepalive = false;
  integrity = "";
}

const toMode = createEnumConverter("RequestMode", ["cors", "navigate", "no-cors", "same-origin"]);
const toCredentials = createEnumConverter("RequestCredentials", ["include", "omit", "same-origin"]);
const toDuplex = createEnumConverter("RequestDuplex", ["half"]);
const toPriority = createEnumConverter("RequestPriority", ["auto", "high", "low"]);
const toPolicy = createEnumConverter("ReferrerPolicy", [
  "", "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin",
  "same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url"]);

function copy(from) {
  const to = new Options();
  if (from === null) return to;
  to.mode = from.mode;
  to.credentials = from.credentials;
  to.referrer = from.referrer;
  to.referrerPolicy = from.referrerPolicy;
  to.keepalive = from.keepalive;
  to.integrity = from.integrity;
  return to;
}

/** The options of a request made from `from` (or null) with an init of these members. */
function read(from, given, prefix) {
  const options = copy(from);
  const { credentials, duplex, integrity, keepalive, mode, priority, referrer, referrerPolicy,
    window } = given;
  if (credentials !== undefined) {
    options.credentials = toCredentials(credentials, prefix, "credentials");
  }
  if (duplex !== undefined) toDuplex(duplex, prefix, "duplex");
  if (integrity !== undefined) {
    options.integrity = converters.DOMString(integrity, prefix, "integrity");
  }
  if (keepalive !== undefined) options.keepalive = !!keepalive;
  const newMode = mode === undefined ? undefined : toMode(mode, prefix, "mode");
  if (priority !== undefined) toPriority(priority, prefix, "priority");
  if (referrer !== undefined) {
    options.referrer = toReferrer(converters.USVString(referrer, prefix, "referrer"), prefix);
  }
  if (referrerPolicy !== undefined) {
    options.referrerPolicy = toPolicy(referrerPolicy, prefix, "referrerPolicy");
  }
  if (window !== undefined && window !== null) {
    throw new TypeError(`${prefix}: window can only be null.`);
  }
  if (newMode === "navigate") {
    throw new TypeError(`${prefix}: the mode "navigate" is for browsers alone.`);
  }
  if (newMode !== undefined) options.mode = newMode;
  return options;
}

/** "" for none; a URL must be absolute, as nothing here has a URL of its own. */
function toReferrer(text, prefix) {
  if (text === "") return "";
  const href = native.resolveUrl(text);
  if (href === undefined) throw new TypeError(`${prefix}: Invalid referrer URL: '${text}'.`);
  return StringPrototypeStartsWith(href, "about:client") || !native.urlIsHttp(href)
    ? "about:client" : href;
}

internals.requestOptions = { read };
