let script;
onmessage = async ({ data: { module, id, url } }) => {
  if (module) {
    script = import(module);
    return;
  }
  const response = await (await script).default.fetch(new Request(url), {});
  postMessage({ id, status: response.status, text: await response.text() });
};
