// QuotaExceededError. https://webidl.spec.whatwg.org/#quotaexceedederror

const { RangeError } = internals.primordials;
const { configureInterface, converters, createDictionaryConverter } = internals.webidl;

const options = createDictionaryConverter("QuotaExceededErrorOptions", [
  { key: "quota", converter: converters.double },
  { key: "requested", converter: converters.double }]);

class QuotaExceededError extends internals.DOMException {
  #quota;
  #requested;

  constructor(message = "", given = undefined) {
    super(message, "QuotaExceededError");
    const prefix = "Failed to construct 'QuotaExceededError'";
    const { quota = null, requested = null } = options(given, prefix, "argument 2");
    if (quota < 0 || requested < 0) {
      throw new RangeError(`${prefix}: quota and requested must not be negative.`);
    }
    if (quota !== null && requested !== null && requested < quota) {
      throw new RangeError(`${prefix}: requested must not be less than quota.`);
    }
    this.#quota = quota;
    this.#requested = requested;
  }

  get quota() {
    return this.#quota;
  }

  get requested() {
    return this.#requested;
  }
}
configureInterface(QuotaExceededError);

internals.quotaExceeded = (message) => new QuotaExceededError(message);
internals.defineGlobal("QuotaExceededError", QuotaExceededError);
