function rewrite(html, ...pairs) {
  const rewriter = new HTMLRewriter();
  for (const [selector, handlers] of pairs) {
    if (selector === null) rewriter.onDocument(handlers);
    else rewriter.on(selector, handlers);
  }
  return rewriter.transform(new Response(html)).text();
}

/** The page in chunks of one byte each. */
function slowly(html) {
  const bytes = new TextEncoder().encode(html);
  let i = 0;
  return new ReadableStream({
    pull(controller) {
      if (i === bytes.length) controller.close();
      else controller.enqueue(bytes.slice(i, ++i));
    },
  });
}

test("HTMLRewriter passes on what no handler changes, byte by byte", async () => {
  const page = "<!doctype  html><P CLASS=x>a &amp; b\u20ac<br/><!-- c --><script>if (a<b) " +
    "'</p>'</script>";
  same(await rewrite(page), page);
  same(await rewrite(page, ["*", { element() {}, text() {}, comments() {} }]), page);
  same(await rewrite(slowly(page), ["*", { element() {}, text() {}, comments() {} }]), page);
  const bytes = new Uint8Array([60, 98, 62, 0xff, 0xfe, 60, 47, 98, 62]);
  const out = new HTMLRewriter().on("i", { element() {} }).transform(new Response(bytes));
  same(await out.bytes(), bytes);
});

test("Element has its name, attributes and namespace, and methods that chain", async () => {
  const seen = [];
  const out = await rewrite('<A HREF="/x&amp;y" data-a=1 data-a=2>t</A><svg><g/></svg>', ["a", {
    element(element) {
      seen.push(element.tagName, element.getAttribute("href"), element.getAttribute("HREF"),
        element.getAttribute("none"), element.hasAttribute("data-a"), [...element.attributes],
        element.namespaceURI, element.removed);
      same(element.setAttribute("Class", 'a"b') === element, true);
      element.removeAttribute("data-a").before("<").after(">", { html: true });
      same(element.getAttribute("class"), 'a"b');
      element.tagName = "b";
      seen.push(element.tagName);
    },
  }], ["g", { element: (g) => seen.push(g.namespaceURI) }]);
  same(seen, ["a", "/x&amp;y", "/x&amp;y", null, true,
    [["href", "/x&amp;y"], ["data-a", "1"], ["data-a", "2"]], "http://www.w3.org/1999/xhtml", false,
    "b", "http://www.w3.org/2000/svg"]);
  same(out, '&lt;<b HREF="/x&amp;y" class="a&quot;b">t</b>><svg><g/></svg>');
});

test("Content is text unless it is said to be HTML", async () => {
  same(await rewrite("<p>x</p>", ["p", {
    element(p) {
      p.prepend("<1>").append("<2>", { html: true }).before("<3>", {}).after("<4>", { html: 1 });
    },
  }]), "&lt;3&gt;<p>&lt;1&gt;x<2></p><4>");
  same(await rewrite("<p>x</p>y", ["p", {
    element: (p) => { p.replace("<hr>", { html: true }); } }]), "<hr>y");
  same(await rewrite("<p>x</p>y", ["p", { element: (p) => { p.setInnerContent("a&b"); } }]),
    "<p>a&amp;b</p>y");
  same(await rewrite("<p>x</p>y", ["p", { element: (p) => { p.remove(); ok(p.removed); } }]), "y");
  same(await rewrite("<p>x</p>y", ["p", { element: (p) => { p.removeAndKeepContent(); } }]), "xy");
});

test("Text comes in chunks, the last of which is empty and says so", async () => {
  const seen = [];
  const out = await rewrite("<p>one<b>two</b></p>three", ["p", {
    text(chunk) {
      seen.push([chunk.text, chunk.lastInTextNode]);
      if (!chunk.lastInTextNode) chunk.replace(chunk.text.toUpperCase());
      else chunk.after("|");
    },
  }]);
  same(seen, [["one", false], ["", true], ["two", false], ["", true]]);
  same(out, "<p>ONE|<b>TWO|</b></p>three");
  let text = "";
  await rewrite(slowly("<p>gr\u00fc\u20ac\u{1f600}</p>"), ["p", {
    text: (t) => { text += t.text; } }]);
  same(text, "gr\u00fc\u20ac\u{1f600}");
});

test("Comments can be read, changed and removed", async () => {
  same(await rewrite("<div><!-- a --><!--b--></div><!--c-->", ["div", {
    comments(comment) {
      if (comment.text === "b") comment.remove();
      else comment.text = comment.text + "!";
      comment.before("1").after("2");
      throws("TypeError", () => { comment.text = "a-->b"; }, "closing sequence");
    },
  }]), "<div>1<!-- a !-->212</div><!--c-->");
});

test("Document handlers see the doctype, comments, text and the end", async () => {
  const seen = [];
  const out = await rewrite('<!DOCTYPE HTML PUBLIC "-//W3C" "x.dtd"><p>a</p><!--b-->', [null, {
    doctype: (d) => { seen.push(d.name, d.publicId, d.systemId); },
    comments: (c) => { seen.push(c.text); },
    text: (t) => { seen.push(t.text); },
    end: (end) => { end.append("<end>", { html: true }); },
  }]);
  same(seen, ["html", "-//W3C", "x.dtd", "a", "", "b"]);
  ok(out.endsWith("<!--b--><end>"));
  await rewrite("<!doctype html>", [null, {
    doctype: (d) => { same([d.name, d.publicId, d.systemId], ["html", null, null]); } }]);
});

test("onEndTag() handlers run at the end tag, and void elements have none", async () => {
  const out = await rewrite("<p>a<b>c</b></p><br>", ["p, b", {
    element(element) {
      element.onEndTag((tag) => {
        same(tag.name, element === undefined ? "" : tag.name);
        tag.before(`[${tag.name}`).after("]");
        if (tag.name === "b") tag.name = "i";
      });
    },
  }], ["br", {
    element: (br) => { throws("TypeError", () => br.onEndTag(() => {}), "No end tag"); } }]);
  same(out, "<p>a<b>c[b</i>][p</p>]<br>");
});

test("Handlers may be asynchronous, and are waited for one after the other", async () => {
  const order = [];
  const handler = (name) => ({
    async element(element) {
      order.push(`${name}1`);
      await scheduler.wait(1);
      element.append(name);
      order.push(`${name}2`);
    },
  });
  same(await rewrite("<p></p><p></p>", ["p", handler("a")], ["p", handler("b")]),
    "<p>ab</p><p>ab</p>");
  same(order.join(), "a1,a2,b1,b2,a1,a2,b1,b2");
});

test("Handlers are called as methods of their object", async () => {
  class Counter {
    count = 0;
    element() {
      this.count++;
    }
  }
  const counter = new Counter();
  await rewrite("<p></p><p></p>", ["p", counter]);
  same(counter.count, 2);
});

test("What a handler throws is the body's error", async () => {
  const boom = new RangeError("boom");
  await rejects("RangeError", rewrite("<p>", ["p", { element() { throw boom; } }]), "boom");
  await rejects("RangeError", rewrite("<p>", ["p", { element: () => Promise.reject(boom) }]));
  await rejects("RangeError", rewrite("<p>a", ["p", { text() { throw boom; } }]));
});

test("Tokens are void once their handlers are done", async () => {
  let kept, later;
  await rewrite("<p>a</p>", ["p", {
    async element(element) {
      kept = element;
      await scheduler.wait(1);
      same(element.tagName, "p");
    },
    text(chunk) {
      later = chunk;
    },
  }]);
  for (const use of [() => kept.tagName, () => kept.getAttribute("a"), () => kept.remove(),
    () => kept.before("x"), () => { kept.tagName = "b"; }, () => later.text,
    () => kept.onEndTag(() => {})]) {
    throws("TypeError", use, "no longer valid");
  }
});

test("Streams and responses can be content", async () => {
  const stream = () => new Response("<s>").body;
  same(await rewrite("<p>x</p>y", ["p", {
    element(p) {
      p.prepend(stream(), { html: true }).append(stream()).after(new Response("!"));
    },
  }]), "<p><s>x&lt;s&gt;</p>!y");
});

test("Names that would break the markup are refused", async () => {
  await rewrite("<p>", ["p", {
    element(p) {
      for (const name of ["", "a b", "1", "a>", "a/b"]) {
        throws("TypeError", () => { p.tagName = name; });
      }
      for (const name of ["", "a b", "a=", "a>", "a/"]) {
        throws("TypeError", () => p.setAttribute(name, "x"));
      }
    },
  }]);
});

test("Selectors that cannot be used are refused at once", () => {
  for (const selector of ["", "a + b", "a ~ b", ":hover", "a::before", "[", "a >"]) {
    throws("TypeError", () => new HTMLRewriter().on(selector, {}), "Parser error");
  }
  throws("TypeError", () => new HTMLRewriter().on("p"));
  throws("TypeError", () => new HTMLRewriter().on("p", null));
  throws("TypeError", () => new HTMLRewriter().on("p", { element: 1 }));
  throws("TypeError", () => new HTMLRewriter().transform("text"));
  throws("TypeError", () => HTMLRewriter());
});

test("transform() keeps the response's head, and drops what no longer holds", async () => {
  const source = new Response("<p>a</p>", { status: 201, statusText: "Made",
    headers: { "content-type": "text/html", "content-length": "8", "x-a": "b" } });
  const out = new HTMLRewriter().on("p", { element: (p) => { p.append("b"); } }).transform(source);
  same([out.status, out.statusText, out.headers.get("x-a"), out.headers.get("content-type"),
    out.headers.get("content-length")], [201, "Made", "b", "text/html", null]);
  same(await out.text(), "<p>ab</p>");
  ok(source.bodyUsed);
  throws("TypeError", () => new HTMLRewriter().transform(source));
  same(new HTMLRewriter().transform(new Response(null, { status: 204 })).body, null);
});

test("A rewriter can transform many responses, also at the same time", async () => {
  const rewriter = new HTMLRewriter().on("p", { element: (p) => { p.append("!"); } });
  const outs = ["a", "b", "c"].map((x) => rewriter.transform(new Response(`<p>${x}</p>`)));
  same(await Promise.all(outs.map((out) => out.text())),
    ["<p>a!</p>", "<p>b!</p>", "<p>c!</p>"]);
  for (let i = 0; i < 100; i++) {
    await rewriter.transform(new Response(`<p>${i}</p>`)).body.cancel();
  }
  same(await rewriter.transform(new Response("<p>z</p>")).text(), "<p>z!</p>");
});

test("A document may be larger than memory for one of its parts", async () => {
  const row = "<tr><td class=a>cell</td></tr>";
  const page = `<table>${row.repeat(20000)}</table>`;
  let count = 0;
  const out = await rewrite(page, ["td.a", { element: () => { count++; } }]);
  same([count, out.length], [20000, page.length]);
  await rejects("TypeError", rewrite(`<p a="${"x".repeat(4 << 20)}">`, ["p", {}]), "memory");
});
