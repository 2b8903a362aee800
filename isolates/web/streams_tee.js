// Teeing: one stream read twice. https://streams.spec.whatwg.org/#abstract-opdef-readablestreamtee

const {
  ArrayBufferPrototypeSlice, PromisePrototypeThen, PromiseWithResolvers, Uint8Array,
} = internals.primordials;
const { viewBuffer } = internals.webidl;
const core = internals.streamsCore;

/** Runs `step` a microtask later: chunks reach the branches outside of the source's enqueue(). */
function soon(step) {
  PromisePrototypeThen(core.kResolved, step);
}

/** What both kinds share: two branches, canceled one by one, over one reader. */
class Tee {
  reading = false;
  canceled1 = false;
  canceled2 = false;
  reason1 = undefined;
  reason2 = undefined;
  cancelation = PromiseWithResolvers();

  constructor(stream) {
    this.stream = stream;
    this.reader = core.acquireReader(stream);
    this.branch1 = new core.Readable();
    this.branch2 = new core.Readable();
  }

  get anyLeft() {
    return !this.canceled1 || !this.canceled2;
  }

  source1 = { pull: () => this.pull1(), cancel: (reason) => this.cancel1(reason) };
  source2 = { pull: () => this.pull2(), cancel: (reason) => this.cancel2(reason) };

  cancel1(reason) {
    this.canceled1 = true;
    this.reason1 = reason;
    return this.cancelWhenBoth(this.canceled2);
  }

  cancel2(reason) {
    this.canceled2 = true;
    this.reason2 = reason;
    return this.cancelWhenBoth(this.canceled1);
  }

  cancelWhenBoth(both) {
    if (both) {
      this.cancelation.resolve(
        core.readableCancel(this.stream, [this.reason1, this.reason2]));
    }
    return this.cancelation.promise;
  }

  failBoth(error) {
    this.branch1.controller.error(error);
    this.branch2.controller.error(error);
  }

  /** An error of the source reaches the branches even while nobody reads. */
  forwardErrors() {
    const { reader } = this;
    PromisePrototypeThen(reader.closed.get(), undefined, (error) => {
      if (reader !== this.reader) return;
      this.failBoth(error);
      if (this.anyLeft) this.cancelation.resolve(undefined);
    });
  }

  start() {
    this.forwardErrors();
    this.branch1.controller.startWith(undefined);
    this.branch2.controller.startWith(undefined);
    return [this.branch1, this.branch2];
  }
}

/** https://streams.spec.whatwg.org/#abstract-opdef-readablestreamdefaulttee */
class DefaultTee extends Tee {
  next = null;
  readAgain = false;

  constructor(stream, cloning) {
    super(stream);
    this.cloning = cloning;
    new core.DefaultController(this.branch1, this.source1, 1, null);
    new core.DefaultController(this.branch2, this.source2, 1, null);
  }

  pull1() {
    if (this.reading) {
      this.readAgain = true;
      return;
    }
    this.reading = true;
    this.reader.read(this);
  }

  pull2() {
    this.pull1();
  }

  chunk(chunk) {
    soon(() => {
      this.readAgain = false;
      let second = chunk;
      if (this.cloning && !this.canceled2) {
        try {
          second = cloneOf(chunk);
        } catch (error) {
          this.failBoth(error);
          this.cancelation.resolve(core.readableCancel(this.stream, error));
          return;
        }
      }
      if (!this.canceled1) this.branch1.controller.enqueue(chunk);
      if (!this.canceled2) this.branch2.controller.enqueue(second);
      this.reading = false;
      if (this.readAgain) this.pull1();
    });
  }

  close() {
    this.reading = false;
    if (!this.canceled1) this.branch1.controller.close();
    if (!this.canceled2) this.branch2.controller.close();
    if (this.anyLeft) this.cancelation.resolve(undefined);
  }

  error() {
    this.reading = false;
  }
}

function cloneOf(chunk) {
  internals.load("web/structured_clone.js");
  return internals.structuredClone.cloneWith(chunk, []).copy;
}

function cloneBytes(view) {
  const offset = core.byteOffsetOf(view);
  return new Uint8Array(
    ArrayBufferPrototypeSlice(viewBuffer(view), offset, offset + core.byteLengthOf(view)));
}

/** https://streams.spec.whatwg.org/#abstract-opdef-readablebytestreamtee */
class ByteTee extends Tee {
  readAgain1 = false;
  readAgain2 = false;

  constructor(stream) {
    super(stream);
    new core.ByteController(this.branch1, this.source1, 0, undefined);
    new core.ByteController(this.branch2, this.source2, 0, undefined);
  }

  pull1() {
    if (this.reading) {
      this.readAgain1 = true;
      return;
    }
    this.pull(this.branch1, this.branch2, false);
  }

  pull2() {
    if (this.reading) {
      this.readAgain2 = true;
      return;
    }
    this.pull(this.branch2, this.branch1, true);
  }

  pull(branch, other, forSecond) {
    this.reading = true;
    const view = branch.controller.byobView();
    this.switchReader(view !== null);
    if (view === null) this.reader.read(new TeeRead(this));
    else core.readInto(this.reader, view, 1, new TeeReadInto(this, branch, other, forSecond));
  }

  switchReader(byob) {
    if (this.reader.byob === byob) return;
    const old = this.reader;
    this.reader = null;
    old.release();
    this.reader = byob ? core.acquireByobReader(this.stream) : core.acquireReader(this.stream);
    this.forwardErrors();
  }

  /** A copy for the other branch; undefined, and all failed, if there is no memory for it. */
  tryClone(chunk) {
    try {
      return cloneBytes(chunk);
    } catch (error) {
      this.failBoth(error);
      this.cancelation.resolve(core.readableCancel(this.stream, error));
      return undefined;
    }
  }

  delivered() {
    this.reading = false;
    if (this.readAgain1) this.pull1();
    else if (this.readAgain2) this.pull2();
  }
}

/** A read with no view to fill. */
class TeeRead {
  next = null;
  constructor(tee) {
    this.tee = tee;
  }

  chunk(chunk) {
    const { tee } = this;
    soon(() => {
      tee.readAgain1 = tee.readAgain2 = false;
      let second = chunk;
      if (!tee.canceled1 && !tee.canceled2) {
        second = tee.tryClone(chunk);
        if (second === undefined) return;
      }
      if (!tee.canceled1) tee.branch1.controller.enqueue(chunk);
      if (!tee.canceled2) tee.branch2.controller.enqueue(second);
      tee.delivered();
    });
  }

  close() {
    const { tee } = this;
    tee.reading = false;
    const first = tee.branch1.controller;
    const second = tee.branch2.controller;
    if (!tee.canceled1) first.close();
    if (!tee.canceled2) second.close();
    if (first.pullIntos.length > 0) first.respond(0);
    if (second.pullIntos.length > 0) second.respond(0);
    if (tee.anyLeft) tee.cancelation.resolve(undefined);
  }

  error() {
    this.tee.reading = false;
  }
}

/** A read into the view that a BYOB reader of one branch gave. */
class TeeReadInto {
  next = null;
  constructor(tee, branch, other, forSecond) {
    this.tee = tee;
    this.branch = branch;
    this.other = other;
    this.forSecond = forSecond;
  }

  get canceled() {
    return this.forSecond ? this.tee.canceled2 : this.tee.canceled1;
  }
  get otherCanceled() {
    return this.forSecond ? this.tee.canceled1 : this.tee.canceled2;
  }

  chunk(chunk) {
    const { tee } = this;
    soon(() => {
      tee.readAgain1 = tee.readAgain2 = false;
      let copy;
      if (!this.otherCanceled) {
        copy = tee.tryClone(chunk);
        if (copy === undefined) return;
      }
      if (!this.canceled) this.branch.controller.respondWithNewView(chunk);
      if (copy !== undefined) this.other.controller.enqueue(copy);
      tee.delivered();
    });
  }

  close(chunk) {
    const { tee, canceled, otherCanceled } = this;
    tee.reading = false;
    if (!canceled) this.branch.controller.close();
    if (!otherCanceled) this.other.controller.close();
    if (chunk !== undefined) {
      if (!canceled) this.branch.controller.respondWithNewView(chunk);
      if (!otherCanceled && this.other.controller.pullIntos.length > 0) {
        this.other.controller.respond(0);
      }
    }
    if (!canceled || !otherCanceled) tee.cancelation.resolve(undefined);
  }

  error() {
    this.tee.reading = false;
  }
}

core.isolate(Tee, TeeRead, TeeReadInto);
/** With `cloning`, the second branch gets clones of the chunks, as bodies are teed. */
core.tee = (stream, cloning = false) =>
  (stream.controller.bytes ? new ByteTee(stream) : new DefaultTee(stream, cloning)).start();
