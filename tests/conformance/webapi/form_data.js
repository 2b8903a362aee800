const multipart = (text, boundary = "b") => new Response(text,
  { headers: { "content-type": `multipart/form-data; boundary=${boundary}` } }).formData();

test("FormData keeps entries in order", () => {
  const form = new FormData();
  form.append("a", "1");
  form.append("b", 2);
  form.append("a", "3");
  same([...form], [["a", "1"], ["b", "2"], ["a", "3"]]);
  same([form.get("a"), form.getAll("a"), form.get("x"), form.has("b")],
    ["1", ["1", "3"], null, true]);
  form.set("a", "only");
  same([...form], [["a", "only"], ["b", "2"]]);
  form.delete("a");
  same([...form.keys()], ["b"]);
  form.set("new", "x");
  same([...form.values()], ["2", "x"]);
  throws("TypeError", () => form.append("a"));
  throws("TypeError", () => form.append("a", "x", "name"));
  throws("TypeError", () => new FormData({}));
});

test("FormData makes files of blobs", () => {
  const form = new FormData();
  form.append("blob", new Blob(["x"], { type: "a/b" }));
  form.append("named", new Blob(["x"]), "n.txt");
  form.append("file", new File(["x"], "f.txt"));
  ok(form.get("blob") instanceof File);
  same([form.get("blob").name, form.get("blob").type], ["blob", "a/b"]);
  same(form.get("named").name, "n.txt");
  same(form.get("file").name, "f.txt");
});

test("Multipart as browsers and curl send it is read", async () => {
  const form = await multipart([
    "--b", 'Content-Disposition: form-data; name="a"', "", "value", "--b",
    'content-disposition: form-data; name="f"; filename="x \u00e9.bin"',
    "Content-Type: application/octet-stream", "", "one\r\ntwo--b\r\n", "--b",
    "Content-Disposition: form-data; name=plain", "", "", "--b--", ""].join("\r\n"));
  same(form.get("a"), "value");
  same(form.get("plain"), "");
  const file = form.get("f");
  same([file.name, file.type, await file.text()],
    ["x \u00e9.bin", "application/octet-stream", "one\r\ntwo--b\r\n"]);
  same([...await multipart("--b--\r\n")], []);
  same([...await multipart("--a \"b--\r\n", '"a \\"b"').catch(() => [])].length, 0);
});

test("Malformed multipart is an error that names the part", async () => {
  for (const [text, problem] of [
    ["", "boundary"], ["nothing", "boundary"], ["--b", "part 1"], ["--b\r\n", "part 1"],
    ["--b\r\n\r\nno name\r\n--b--", "no Content-Disposition"],
    ["--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--", "not form-data"],
    ["--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "no name"],
    ["--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx", "no boundary ends it"],
    ["--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "no boundary ends it"],
    ["--b\r\nno colon\r\n\r\nx\r\n--b--", "no colon"],
    ["--bx\r\n", "does not end"],
    ["--b\r\nA: " + "x".repeat(20000) + "\r\n\r\n", "headers do not end"]]) {
    await rejects("TypeError", multipart(text), problem);
  }
  await rejects("TypeError", multipart("--b--", ""), "boundary");
});

test("Blob cuts and joins bytes", async () => {
  const blob = new Blob(["ab", new Uint8Array([99]), new Blob(["d"]), new Uint8Array([101]).buffer],
    { type: "Text/Plain" });
  same([blob.size, blob.type, await blob.text()], [5, "text/plain", "abcde"]);
  same(await blob.slice(1, 3).text(), "bc");
  same(await blob.slice(-2).text(), "de");
  same(await blob.slice(3, 1).text(), "");
  same(blob.slice(0, 1, "x/y").type, "x/y");
  same(await blob.bytes(), new Uint8Array([97, 98, 99, 100, 101]));
  same((await blob.arrayBuffer()).byteLength, 5);
  same(await new Response(blob.stream()).text(), "abcde");
  same(new Blob([], { type: "\u00e9" }).type, "");
  same(await new Blob(["a\r\nb\rc"], { endings: "native" }).text(), "a\nb\nc");
  throws("TypeError", () => new Blob("text"));
  throws("TypeError", () => new Blob([], { endings: "other" }));
});

test("File has a name and a time", () => {
  const file = new File(["x"], "n", { type: "a/b", lastModified: 5 });
  same([file.name, file.lastModified, file.type, file.size], ["n", 5, "a/b", 1]);
  ok(file instanceof Blob);
  ok(Math.abs(new File([], "n").lastModified - Date.now()) < 60000);
  throws("TypeError", () => new File([]));
});

test("A File that gets another name keeps its time", () => {
  const form = new FormData();
  form.set("f", new File(["x"], "old", { lastModified: 123, type: "text/x" }), "new");
  const file = form.get("f");
  same([file.name, file.lastModified, file.type], ["new", 123, "text/x"]);
});
