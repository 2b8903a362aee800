// HTMLRewriter. https://developers.cloudflare.com/workers/runtime-apis/html-rewriter/
//
// The document is read in C++ (src/html), which stops here wherever a handler wants to see
// something. A token that handlers are given is a view of where the rewriter stands, and is void
// once they are done.

const {
  ArrayPrototypePush, ArrayPrototypeShift, ArrayPrototypeValuesFunction, ObjectDefineProperty,
  ReflectApply, RegExp, RegExpPrototypeExec, StringPrototypeIncludes, StringPrototypeToLowerCase,
  Symbol, TypeError, TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, requiredArguments,
} = internals.webidl;
const { acquireReader, cancel, createBytes, isReadableStream, read } = internals.bodyStreams;
const { isResponse, streamOfResponse, withBody } = internals.response;
const { findInvocation, forget, own } = internals.kernel;

// The numbers of src/webapi/html_rewriter.cc.
const kElement = 1, kComments = 2, kText = 4, kDoctype = 8, kEnd = 16;
const kNeedsInput = 0, kOnElement = 1, kOnEndTag = 2, kOnComment = 3, kOnText = 4, kOnDoctype = 5,
  kOnEnd = 6, kFinished = 7;
const kTagName = 1, kNamespace = 2, kContent = 3, kLastInTextNode = 4, kRemoved = 5, kEndTagId = 6,
  kDoctypeText = 7;
const kBefore = 1, kAfter = 2, kPrepend = 3, kAppend = 4, kReplace = 5, kInner = 6;

const kOutputBytes = 64 * 1024;
const kCreate = Symbol("create");

// ---- tokens -------------------------------------------------------------------------------------

/** What a token stands for, while it does. */
class Place {
  transform;

  constructor(transform) {
    this.transform = transform;
  }

  get id() {
    const { transform } = this;
    if (transform === null) {
      throw new TypeError("This content token is no longer valid. Content tokens are only valid " +
        "during the execution of the relevant content handler.");
    }
    return transform.id;
  }

  insert(where, content, options, prefix) {
    const { id } = this;
    const html = isObject(options) && !!options.html;
    const value = this.transform.toContent(content, html, prefix);
    native.htmlInsert(this.id, where, value, html);
  }
}

/** What a class of tokens has in common; `places` maps methods to where they put content. */
function tokenClass(name, placeOf, places, removable) {
  return (constructor) => {
    const methods = {};
    for (const method in places) {
      const prefix = `Failed to execute '${method}' on '${name}'`;
      const where = places[method];
      methods[method] = {
        [method](content, options = undefined) {
          const place = placeOf(this);
          requiredArguments(arguments.length, 1, prefix);
          place.insert(where, content, options, prefix);
          return this;
        },
      }[method];
    }
    if (removable) {
      methods.remove = {
        remove() {
          native.htmlRemove(placeOf(this).id, false);
          return this;
        },
      }.remove;
    }
    for (const method in methods) {
      ObjectDefineProperty(constructor.prototype, method,
        { __proto__: null, value: methods[method], writable: true, configurable: true });
    }
    configureInterface(constructor, name);
  };
}

const nameBreaker = /[\s/>]/;
const attributeBreaker = /[\s/>=]/;

function checkTagName(name) {
  if (name === "") throw new TypeError("Tag name can't be empty.");
  if (RegExpPrototypeExec(/^[A-Za-z]/, name) === null) {
    throw new TypeError("The first character of the tag name should be an ASCII alphabetical " +
      "character.");
  }
  const breaker = RegExpPrototypeExec(nameBreaker, name);
  if (breaker !== null) {
    throw new TypeError(`\`${breaker[0]}\` character is forbidden in the tag name.`);
  }
  return name;
}

class Element {
  #place;

  constructor(token, place) {
    if (token !== kCreate) throw illegalConstructor();
    this.#place = place;
  }

  static placeOf(element) {
    return element.#place;
  }

  get tagName() {
    return native.htmlGet(this.#place.id, kTagName);
  }

  set tagName(value) {
    const { id } = this.#place;
    native.htmlSetName(id, checkTagName(converters.USVString(value, "Failed to set 'tagName'",
      "value")));
  }

  get attributes() {
    return ReflectApply(ArrayPrototypeValuesFunction,
      native.htmlAttributes(this.#place.id), []);
  }

  get removed() {
    return native.htmlGet(this.#place.id, kRemoved);
  }

  get namespaceURI() {
    return native.htmlGet(this.#place.id, kNamespace);
  }

  getAttribute(name) {
    requiredArguments(arguments.length, 1, "Failed to execute 'getAttribute' on 'Element'");
    const text = StringPrototypeToLowerCase(`${name}`);
    return native.htmlAttribute(this.#place.id, text);
  }

  hasAttribute(name) {
    requiredArguments(arguments.length, 1, "Failed to execute 'hasAttribute' on 'Element'");
    const text = StringPrototypeToLowerCase(`${name}`);
    return native.htmlAttribute(this.#place.id, text) !== null;
  }

  setAttribute(name, value) {
    requiredArguments(arguments.length, 2, "Failed to execute 'setAttribute' on 'Element'");
    const text = StringPrototypeToLowerCase(`${name}`);
    const valueText = `${value}`;
    if (text === "") throw new TypeError("Attribute name can't be empty.");
    const breaker = RegExpPrototypeExec(attributeBreaker, text);
    if (breaker !== null) {
      throw new TypeError(`\`${breaker[0]}\` character is forbidden in the attribute name`);
    }
    native.htmlSetAttribute(this.#place.id, text, valueText);
    return this;
  }

  removeAttribute(name) {
    requiredArguments(arguments.length, 1, "Failed to execute 'removeAttribute' on 'Element'");
    const text = StringPrototypeToLowerCase(`${name}`);
    native.htmlSetAttribute(this.#place.id, text, undefined);
    return this;
  }

  removeAndKeepContent() {
    native.htmlRemove(this.#place.id, true);
    return this;
  }

  onEndTag(handler) {
    const place = this.#place;
    if (typeof handler !== "function") {
      throw new TypeError(
        "Failed to execute 'onEndTag' on 'Element': argument 1 is not a function.");
    }
    const number = native.htmlOnEndTag(place.id);
    if (number === 0) throw new TypeError("Parser error: No end tag.");
    place.transform.onEndTag(number, handler);
  }
}
const elementPlace = Element.placeOf;
delete Element.placeOf;
tokenClass("Element", elementPlace, {
  before: kBefore, after: kAfter, prepend: kPrepend, append: kAppend, replace: kReplace,
  setInnerContent: kInner,
}, true)(Element);

class EndTag {
  #place;

  constructor(token, place) {
    if (token !== kCreate) throw illegalConstructor();
    this.#place = place;
  }

  static placeOf(tag) {
    return tag.#place;
  }

  get name() {
    return native.htmlGet(this.#place.id, kTagName);
  }

  set name(value) {
    const { id } = this.#place;
    native.htmlSetName(id, checkTagName(converters.USVString(value, "Failed to set 'name'",
      "value")));
  }
}
const endTagPlace = EndTag.placeOf;
delete EndTag.placeOf;
tokenClass("EndTag", endTagPlace, { before: kBefore, after: kAfter }, true)(EndTag);

class Comment {
  #place;

  constructor(token, place) {
    if (token !== kCreate) throw illegalConstructor();
    this.#place = place;
  }

  static placeOf(comment) {
    return comment.#place;
  }

  get text() {
    return native.htmlGet(this.#place.id, kContent);
  }

  set text(value) {
    const { id } = this.#place;
    const text = converters.USVString(value, "Failed to set 'text' on 'Comment'", "value");
    if (StringPrototypeIncludes(text, "-->")) {
      throw new TypeError(
        "Comment text shouldn't contain comment closing sequence (`-->`).");
    }
    native.htmlSetComment(id, text);
  }

  get removed() {
    return native.htmlGet(this.#place.id, kRemoved);
  }
}
const commentPlace = Comment.placeOf;
delete Comment.placeOf;
tokenClass("Comment", commentPlace, { before: kBefore, after: kAfter, replace: kReplace },
  true)(Comment);

class Text {
  #place;

  constructor(token, place) {
    if (token !== kCreate) throw illegalConstructor();
    this.#place = place;
  }

  static placeOf(text) {
    return text.#place;
  }

  get text() {
    return native.htmlGet(this.#place.id, kContent);
  }

  get lastInTextNode() {
    return native.htmlGet(this.#place.id, kLastInTextNode);
  }

  get removed() {
    return native.htmlGet(this.#place.id, kRemoved);
  }
}
const textPlace = Text.placeOf;
delete Text.placeOf;
tokenClass("Text", textPlace, { before: kBefore, after: kAfter, replace: kReplace }, true)(Text);

const kBlanks = "[\\t\\n\\f\\r ]*", kQuoted = "(?:\"([^\"]*)\"?|'([^']*)'?)";
/** Groups: 1 the name, 2 and 3 the public identifier, 4 and 5 the system's. */
const doctypeParts = new RegExp(`^${kBlanks}([^\\t\\n\\f\\r ]*)${kBlanks}` +
  `(?:(?:public${kBlanks}${kQuoted}|system)?${kBlanks}(?:${kQuoted})?)?`, "i");

class Doctype {
  #place;

  constructor(token, place) {
    if (token !== kCreate) throw illegalConstructor();
    this.#place = place;
  }

  #part(...groups) {
    const parts = RegExpPrototypeExec(doctypeParts, native.htmlGet(this.#place.id, kDoctypeText));
    for (let i = 0; i < groups.length; i++) {
      const part = parts === null ? undefined : parts[groups[i]];
      if (part !== undefined && part !== "") return part;
    }
    return null;
  }

  get name() {
    const name = this.#part(1);
    return name === null ? null : StringPrototypeToLowerCase(name);
  }

  get publicId() {
    return this.#part(2, 3);
  }

  get systemId() {
    return this.#part(4, 5);
  }
}
configureInterface(Doctype);

class DocumentEnd {
  #place;

  constructor(token, place) {
    if (token !== kCreate) throw illegalConstructor();
    this.#place = place;
  }

  static placeOf(end) {
    return end.#place;
  }
}
const endPlace = DocumentEnd.placeOf;
delete DocumentEnd.placeOf;
tokenClass("DocumentEnd", endPlace, { append: kAppend }, false)(DocumentEnd);

// ---- a document on its way ----------------------------------------------------------------------

const tokenOf = { [kOnElement]: Element, [kOnComment]: Comment, [kOnText]: Text,
  [kOnDoctype]: Doctype, [kOnEnd]: DocumentEnd };
const handlerOf = { [kOnElement]: "element", [kOnComment]: "comments", [kOnText]: "text",
  [kOnDoctype]: "doctype", [kOnEnd]: "end" };

/** One response being transformed: the source of the new body. */
class Transform {
  id = native.htmlOpen();
  invocation = findInvocation();
  #entries;
  #reader;
  /** By the numbers of htmlOnEndTag(). */
  #endTags = null;
  /** What came out and was not given on: bytes, and numbers of #streams. */
  #pieces = [];
  #streams = null;
  #finished = false;

  constructor(entries, reader) {
    this.#entries = entries;
    this.#reader = reader;
    for (let i = 0; i < entries.length; i++) {
      const { selector, bits } = entries[i];
      if (selector === null) native.htmlOnDocument(this.id, bits);
      else native.htmlOn(this.id, selector, bits);
    }
    if (this.invocation !== undefined) own(this.invocation, this);
  }

  /** More of the new body is wanted. */
  async pull(sink) {
    try {
      while (!await this.#give(sink)) await this.#advance();
    } catch (error) {
      this.close();
      cancel(this.#reader, error);
      sink.error(error);
    }
  }

  cancel(reason) {
    this.close();
    return cancel(this.#reader, reason);
  }

  /** The invocation has ended. */
  abandon() {
    this.close();
  }

  close() {
    if (this.id === 0) return;
    native.htmlClose(this.id);
    this.id = 0;
    if (this.invocation !== undefined) forget(this.invocation, this);
  }

  onEndTag(number, handler) {
    if (this.#endTags === null) this.#endTags = { __proto__: null };
    this.#endTags[number] ??= [];
    ArrayPrototypePush(this.#endTags[number], handler);
  }

  /** A string, or the number of a stream. */
  toContent(content, html, prefix) {
    let stream = null;
    if (isObject(content)) {
      if (isReadableStream(content)) stream = content;
      else if (isResponse(content)) stream = streamOfResponse(content);
      if (stream === null && isResponse(content)) return "";
    }
    if (stream === null) return converters.USVString(content, prefix, "argument 1");
    if (this.#streams === null) this.#streams = [null];
    ArrayPrototypePush(this.#streams, { reader: acquireReader(stream), html });
    return this.#streams.length - 1;
  }

  /** Gives a piece on: true if there was one, or the end. */
  async #give(sink) {
    for (;;) {
      const piece = this.#pieces[0];
      if (piece === undefined) {
        if (!this.#finished) return false;
        this.close();
        sink.end();
        return true;
      }
      if (typeof piece !== "number") {
        ArrayPrototypeShift(this.#pieces);
        sink.chunk(piece);
        return true;
      }
      const { reader, html } = this.#streams[piece];
      const { done, value } = await read(reader);
      if (done) {
        ArrayPrototypeShift(this.#pieces);
        this.#streams[piece] = null;
        continue;
      }
      const bytes = toBytes(value);
      if (TypedArrayPrototypeGetByteLength(bytes) === 0) continue;
      sink.chunk(html ? native.copyBytes(bytes) : native.htmlEscape(bytes));
      return true;
    }
  }

  /** Goes on until there is output, or the document's next part is needed and read. */
  async #advance() {
    for (;;) {
      const { id } = this;
      if (id === 0) throw new TypeError("The request that this body belongs to has ended.");
      const event = native.htmlNext(id);
      if (event === kNeedsInput || event === kFinished) {
        this.#finished = event === kFinished;
        if (this.#take() || this.#finished) return;
        const { done, value } = await read(this.#reader);
        if (done) native.htmlEnd(id);
        else native.htmlWrite(id, toBytes(value));
      } else if (event > kFinished) {
        throw new TypeError("The memory limit has been exceeded.");
      } else {
        const pending = event === kOnEndTag ? this.#runEndTag() : this.#run(event);
        if (pending !== undefined) await pending;
        if (native.htmlOutputBytes(id) >= kOutputBytes && this.#take()) return;
      }
    }
  }

  #take() {
    const pieces = native.htmlTake(this.id);
    for (let i = 0; i < pieces.length; i++) ArrayPrototypePush(this.#pieces, pieces[i]);
    return pieces.length > 0;
  }

  /** Calls the handlers of an event one after the other; a promise if one of them gives one. */
  #run(event) {
    const calls = native.htmlHandlers(this.id);
    return this.#call(calls.length, tokenOf[event], (i, token) => {
      const { handlers, functions } = this.#entries[calls[i]];
      return ReflectApply(functions[handlerOf[event]], handlers, [token]);
    });
  }

  #runEndTag() {
    const number = native.htmlGet(this.id, kEndTagId);
    const handlers = this.#endTags[number];
    this.#endTags[number] = undefined;
    return this.#call(handlers.length, EndTag,
      (i, token) => ReflectApply(handlers[i], undefined, [token]));
  }

  #call(count, Token, handle, from = 0) {
    for (let i = from; i < count; i++) {
      const place = new Place(this);
      let result, pending = false;
      try {
        result = handle(i, new Token(kCreate, place));
        pending = isPromise(result);
      } finally {
        if (!pending) place.transform = null;
      }
      if (pending) return this.#await(result, place, count, Token, handle, i + 1);
    }
    return undefined;
  }

  async #await(result, place, count, Token, handle, next) {
    try {
      await result;
    } finally {
      place.transform = null;
    }
    await this.#call(count, Token, handle, next);
  }
}

function isPromise(value) {
  return isObject(value) && typeof value.then === "function";
}

function toBytes(chunk) {
  const bytes = typeof chunk === "string" ? native.textToBytes(chunk) : native.viewBytes(chunk);
  if (bytes === undefined) {
    throw new TypeError("The stream gave a value that is neither bytes nor a string.");
  }
  return bytes;
}

// ---- the interface ------------------------------------------------------------------------------

class HTMLRewriter {
  /** [{selector (null: the document), handlers, functions, bits}] */
  #entries = [];

  on(selector, handlers) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'on' on 'HTMLRewriter'";
    requiredArguments(arguments.length, 2, prefix);
    selector = converters.USVString(selector, prefix, "argument 1");
    const problem = native.htmlCheckSelector(selector);
    if (problem !== undefined) throw new TypeError(`Parser error: ${problem}`);
    ArrayPrototypePush(entries, toEntry(selector, handlers,
      { element: kElement, comments: kComments, text: kText }, prefix));
    return this;
  }

  onDocument(handlers) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'onDocument' on 'HTMLRewriter'";
    requiredArguments(arguments.length, 1, prefix);
    ArrayPrototypePush(entries, toEntry(null, handlers,
      { doctype: kDoctype, comments: kComments, text: kText, end: kEnd }, prefix));
    return this;
  }

  transform(response) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'transform' on 'HTMLRewriter'";
    requiredArguments(arguments.length, 1, prefix);
    if (!isResponse(response)) {
      throw new TypeError(`${prefix}: argument 1 is not of type 'Response'.`);
    }
    return withBody(response, (stream) => {
      const taken = [];
      for (let i = 0; i < entries.length; i++) ArrayPrototypePush(taken, entries[i]);
      return createBytes(new Transform(taken, acquireReader(stream)));
    });
  }
}
configureInterface(HTMLRewriter);

function toEntry(selector, handlers, names, prefix) {
  if (!isObject(handlers)) throw new TypeError(`${prefix}: the handlers must be an object.`);
  const functions = { __proto__: null };
  let bits = 0;
  for (const name in names) {
    const value = handlers[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "function") {
      throw new TypeError(`${prefix}: the handler '${name}' is not a function.`);
    }
    functions[name] = value;
    bits |= names[name];
  }
  return { selector, handlers, functions, bits };
}

internals.defineGlobal("HTMLRewriter", HTMLRewriter);
