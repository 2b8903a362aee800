// FileReader. https://w3c.github.io/FileAPI/#APIASynch

function read(method, blob, ...rest) {
  const reader = new FileReader();
  const seen = [];
  for (const type of ["loadstart", "progress", "load", "abort", "error", "loadend"]) {
    reader.addEventListener(type, (event) => seen.push(`${type} ${event.loaded}`));
  }
  return new Promise((resolve) => {
    reader.onloadend = () => setTimeout(() => resolve({ result: reader.result, seen, reader }), 0);
    reader[method](blob, ...rest);
  });
}

test("A blob is read in each form", async () => {
  const blob = new Blob(["h\u00e9"], { type: "text/plain" });
  same((await read("readAsText", blob)).result, "h\u00e9");
  same((await read("readAsText", blob, "latin1")).result, "h\u00c3\u00a9");
  same(await read("readAsArrayBuffer", blob).then(({ result }) => result.byteLength), 3);
  same((await read("readAsDataURL", blob)).result, "data:text/plain;base64,aMOp");
  same((await read("readAsDataURL", new Blob([]))).result, "data:application/octet-stream;base64,");
  same((await read("readAsBinaryString", blob)).result, "h\u00c3\u00a9");
});

test("The events of a read come in order", async () => {
  const { seen, reader } = await read("readAsText", new Blob(["abc"]));
  same(seen, ["loadstart 0", "progress 3", "load 3", "loadend 3"]);
  same([reader.readyState, reader.error], [FileReader.DONE, null]);
});

test("One read at a time, and an abort ends it", async () => {
  const reader = new FileReader();
  const seen = [];
  reader.onabort = reader.onload = reader.onloadend = (event) => seen.push(event.type);
  reader.readAsText(new Blob(["abc"]));
  throws("InvalidStateError", () => reader.readAsText(new Blob([])));
  reader.abort();
  same([reader.readyState, reader.result], [2, null]);
  await scheduler.wait(2);
  same(seen, ["abort", "loadend"]);
  throws("TypeError", () => reader.readAsText("text"), "Blob");
  throws("TypeError", () => FileReader.prototype.readAsText.call({}, new Blob([])));
});

test("Each event of a read comes after the microtasks of the one before", async () => {
  const reader = new FileReader();
  const seen = [];
  const ended = new Promise((resolve) => reader.addEventListener("loadend", resolve));
  for (const type of ["loadstart", "progress", "load", "loadend"]) {
    reader.addEventListener(type, () => {
      seen.push([type, reader.result]);
      Promise.resolve().then(() => seen.push("microtask"));
    });
  }
  reader.readAsText(new Blob(["a"]));
  await ended;
  same(seen.slice(0, 7), [["loadstart", null], "microtask", ["progress", null], "microtask",
    ["load", "a"], "microtask", ["loadend", "a"]]);
});

test("FileReaderSync gives each form at once", () => {
  const reader = new FileReaderSync();
  const blob = new Blob(["h\u00e9"], { type: "text/plain" });
  same(reader.readAsText(blob), "h\u00e9");
  same(reader.readAsText(blob, "latin1"), "h\u00c3\u00a9");
  same(reader.readAsDataURL(blob), "data:text/plain;base64,aMOp");
  same(reader.readAsBinaryString(blob), "h\u00c3\u00a9");
  same(reader.readAsArrayBuffer(blob).byteLength, 3);
  throws("TypeError", () => reader.readAsText("text"), "Blob");
  throws("TypeError", () => reader.readAsText());
  throws("TypeError", () => FileReaderSync.prototype.readAsText.call({}, blob));
});
