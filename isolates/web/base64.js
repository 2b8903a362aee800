// atob and btoa. https://html.spec.whatwg.org/#atob

const { converters, requiredArguments } = internals.webidl;
const { defineGlobal, domException } = internals;

// Methods of an object: functions without a prototype, which are not constructors.
const functions = {
  atob(data) {
    const prefix = "Failed to execute 'atob'";
    requiredArguments(arguments.length, 1, prefix);
    const text = native.fromBase64(converters.DOMString(data, prefix, "argument 1"));
    if (text === undefined) {
      throw domException("InvalidCharacterError", prefix + ": argument 1 is not valid base64.");
    }
    return text;
  },

  btoa(data) {
    const prefix = "Failed to execute 'btoa'";
    requiredArguments(arguments.length, 1, prefix);
    const text = native.toBase64(converters.DOMString(data, prefix, "argument 1"));
    if (text === undefined) {
      throw domException("InvalidCharacterError",
        prefix + ": argument 1 has characters above 255, which are no bytes.");
    }
    return text;
  },
};

defineGlobal("atob", functions.atob);
defineGlobal("btoa", functions.btoa);
