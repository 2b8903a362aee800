// What a scheduled handler is told of its tick.
// https://developers.cloudflare.com/workers/runtime-apis/handlers/scheduled/

const { configureInterface, illegalConstructor } = internals.webidl;

const kCreate = Symbol("create");

class ScheduledController {
  #cron;
  #time;

  constructor(token, cron, time) {
    if (token !== kCreate) throw illegalConstructor();
    this.#cron = cron;
    this.#time = time;
  }

  get cron() {
    return this.#cron;
  }

  /** When it was due, in milliseconds since the epoch. */
  get scheduledTime() {
    return this.#time;
  }

  /** Accepted for compatibility: a tick that failed is never tried again. */
  noRetry() {
    this.#cron;
  }
}
configureInterface(ScheduledController);

internals.scheduled = {
  createController: (cron, time) => new ScheduledController(kCreate, cron, time),
};
