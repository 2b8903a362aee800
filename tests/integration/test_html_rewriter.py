"""HTMLRewriter between an origin and a client: a page as sites have them."""

import json
import unittest

from support import http1
from support.server import Server

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Shop &amp; more</title>
<link rel="stylesheet" href="http://old.example/style.css"></head>
<body class="home dark">
<!-- generated -->
<script>var html = "<a href='http://old.example/'>not a link</a>";</script>
<nav><a href="http://old.example/a">A</a> <a href="/b" class="external">B</a></nav>
<main><h1 data-i18n="title">Hello</h1><p>Price: {{price}} €</p><p class="ad">buy!</p></main>
</body></html>
"""

WORKER = """
const PAGE = %s;
const rewriter = new HTMLRewriter()
  .on('a[href^="http://old.example/"], link', {
    element(link) {
      link.setAttribute('href', link.getAttribute('href').replace('http://old.example', ''));
    },
  })
  .on('[data-i18n]', {
    async element(element) {
      await scheduler.wait(1);
      element.setInnerContent('Hallo <Welt>');
    },
  })
  .on('p', { text(chunk) { if (chunk.text.includes('{{price}}')) {
    chunk.replace(chunk.text.replace('{{price}}', '9.99')); } } })
  .on('.ad', { element: (ad) => { ad.remove(); } })
  .on('body', { element(body) {
    body.append('<footer>end</footer>', { html: true });
    body.onEndTag((tag) => { tag.after('<!-- after -->', { html: true }); });
  } })
  .onDocument({ comments: (comment) => { comment.remove(); } });

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const headers = { 'content-type': 'text/html; charset=utf-8' };
    if (pathname === '/origin') return new Response(PAGE, { headers });
    if (pathname === '/large') {
      let rows = 5000;
      const body = new ReadableStream({ pull(controller) {
        if (rows-- === 0) return controller.close();
        controller.enqueue(new TextEncoder().encode(`<tr><td class=n>${rows}</td></tr>\\n`));
      } });
      let sum = 0;
      return new HTMLRewriter()
        .on('td.n', { text(t) { if (!t.lastInTextNode) sum += Number(t.text); } })
        .onDocument({ end(end) { end.append(`sum ${sum}`); } })
        .transform(new Response(body, { headers }));
    }
    return rewriter.transform(new Response(PAGE, { headers }));
  },
};
"""

EXPECTED = (PAGE.replace('<a href="http://old.example/a">', '<a href="/a">')
            .replace('href="http://old.example/style.css"', 'href="/style.css"')
            .replace("<!-- generated -->", "").replace('<p class="ad">buy!</p>', "")
            .replace('<h1 data-i18n="title">Hello</h1>',
                     '<h1 data-i18n="title">Hallo &lt;Welt&gt;</h1>')
            .replace("{{price}}", "9.99")
            .replace("</body>", "<footer>end</footer></body><!-- after -->"))


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    server.deploy_source("html", WORKER % json.dumps(PAGE))


class Pages(unittest.TestCase):
    def test_page(self):
        """links, texts, elements and comments of a page are rewritten, and nothing else"""
        answer = http1.request(server.http, "html.localhost", "/")
        self.assertEqual(answer.get("content-type"), "text/html; charset=utf-8")
        self.assertEqual(answer.text(), EXPECTED)

    def test_large(self):
        """a long page streams through its handlers"""
        answer = http1.request(server.http, "html.localhost", "/large")
        rows = "".join(f"<tr><td class=n>{n}</td></tr>\n" for n in range(4999, -1, -1))
        self.assertEqual(answer.text(), rows + f"sum {sum(range(5000))}")


if __name__ == "__main__":
    unittest.main()
