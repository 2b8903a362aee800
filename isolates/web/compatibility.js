// What the script's compatibility date and flags switch on, in the order of Feature in
// src/deploy/compatibility.h, which says what each means.

internals.features = {
  __proto__: null,
  kNodeModules: 0, kNodeGlobals: 1, kNodeTimers: 2, kProcessEnv: 3, kAsyncLocalStorage: 4,
  kCtxExports: 5, kRequireDefault: 6, kNoImportableEnv: 7, kWebSocketBlobs: 8,
  kWebSocketAutoClose: 9,
};

let bits;

/** Whether the script has a feature; not to be asked while the snapshot is made. */
internals.hasFeature = (feature) => {
  if (bits === undefined) bits = native.features();
  return (bits >>> feature & 1) === 1;
};
