// node:diagnostics_channel
const channels = new Map();

function report(error) {
  queueMicrotask(() => {
    throw error;
  });
}

class Channel {
  #subscribers = [];
  #stores = new Map();

  constructor(name) {
    this.name = name;
  }

  get hasSubscribers() {
    return this.#subscribers.length > 0 || this.#stores.size > 0;
  }

  subscribe(subscription) {
    if (typeof subscription !== "function") {
      const error = new TypeError('The "subscription" argument must be of type function.');
      error.code = "ERR_INVALID_ARG_TYPE";
      throw error;
    }
    this.#subscribers = [...this.#subscribers, subscription];
  }

  unsubscribe(subscription) {
    const at = this.#subscribers.indexOf(subscription);
    if (at === -1) return false;
    this.#subscribers = this.#subscribers.toSpliced(at, 1);
    return true;
  }

  publish(message) {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(message, this.name);
      } catch (error) {
        report(error);
      }
    }
  }

  bindStore(store, transform = (message) => message) {
    this.#stores.set(store, transform);
  }

  unbindStore(store) {
    return this.#stores.delete(store);
  }

  runStores(message, callback, receiver, ...args) {
    let run = () => {
      this.publish(message);
      return Reflect.apply(callback, receiver, args);
    };
    for (const [store, transform] of this.#stores) {
      const inner = run;
      run = () => {
        let context;
        try {
          context = transform(message);
        } catch (error) {
          report(error);
          return inner();
        }
        return store.run(context, inner);
      };
    }
    return run();
  }
}

function channel(name) {
  if (typeof name !== "string" && typeof name !== "symbol") {
    const error = new TypeError('The "channel" argument must be of type string or symbol.');
    error.code = "ERR_INVALID_ARG_TYPE";
    throw error;
  }
  let found = channels.get(name);
  if (found === undefined) channels.set(name, found = new Channel(name));
  return found;
}

const kEvents = ["start", "end", "asyncStart", "asyncEnd", "error"];

class TracingChannel {
  constructor(nameOrChannels) {
    for (const event of kEvents) {
      this[event] = typeof nameOrChannels === "string" ?
        channel(`tracing:${nameOrChannels}:${event}`) : nameOrChannels[event];
    }
  }

  get hasSubscribers() {
    return kEvents.some((event) => this[event]?.hasSubscribers);
  }

  subscribe(handlers) {
    for (const event of kEvents) if (handlers[event]) this[event].subscribe(handlers[event]);
  }

  unsubscribe(handlers) {
    let done = true;
    for (const event of kEvents) {
      if (handlers[event] && !this[event].unsubscribe(handlers[event])) done = false;
    }
    return done;
  }

  traceSync(callback, context = {}, receiver, ...args) {
    return this.start.runStores(context, () => {
      try {
        context.result = Reflect.apply(callback, receiver, args);
        return context.result;
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }

  tracePromise(callback, context = {}, receiver, ...args) {
    const settled = (key) => (value) => {
      context[key] = value;
      if (key === "error") this.error.publish(context);
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
      if (key === "error") throw value;
      return value;
    };
    return this.start.runStores(context, () => {
      try {
        return Promise.resolve(Reflect.apply(callback, receiver, args))
          .then(settled("result"), settled("error"));
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }

  traceCallback(callback, position = -1, context = {}, receiver, ...args) {
    const original = args.at(position);
    const { error, asyncStart, asyncEnd } = this;
    args.splice(position, 1, function (failure, value) {
      if (failure) {
        context.error = failure;
        error.publish(context);
      } else {
        context.result = value;
      }
      return asyncStart.runStores(context, () => {
        try {
          return Reflect.apply(original, this, arguments);
        } finally {
          asyncEnd.publish(context);
        }
      });
    });
    return this.start.runStores(context, () => {
      try {
        return Reflect.apply(callback, receiver, args);
      } catch (failure) {
        context.error = failure;
        error.publish(context);
        throw failure;
      } finally {
        this.end.publish(context);
      }
    });
  }
}

module.exports = {
  Channel, TracingChannel, channel,
  hasSubscribers: (name) => channels.get(name)?.hasSubscribers ?? false,
  subscribe: (name, subscription) => channel(name).subscribe(subscription),
  unsubscribe: (name, subscription) => channel(name).unsubscribe(subscription),
  tracingChannel: (nameOrChannels) => new TracingChannel(nameOrChannels),
};
