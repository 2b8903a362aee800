"""Pages that people look at, in a browser: the static template's, and what went wrong in dev."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import browser
from support.server import Server, build_directory

STYLE_BACKGROUND = (0xfb, 0xfa, 0xf7)  # In the template's style.css.


class Browser(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="atoll-browser-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name, "shown")

    def test_site(self):
        """the static template's page is there with its style, and so is its page for what is not"""
        subprocess.run([build_directory() / "atoll", "init", "--template", "site", self.folder],
                       check=True, capture_output=True)
        with Server(shards=1) as server:
            server.deploy(self.folder)
            url = f"http://shown.localhost:{server.http}/"
            self.assertIn("This page is public/index.html.", browser.text_of(url))
            self.assertIn("There is no such page.", browser.text_of(url + "none"))
            _, _, rows = browser.pixels_of(url)
            self.assertEqual(rows[5][5][:3], STYLE_BACKGROUND)

    def test_error_page(self):
        """an exception is shown with its message, its place and its line in the source"""
        self.folder.mkdir()
        (self.folder / "index.ts").write_text(
            "interface Order { id: number }\n"
            "const check = (order: Order) => {\n"
            "  if (order.id < 1) throw new RangeError('<no> \"order\"');\n"
            "};\n"
            "export default { fetch: () => { check({ id: 0 }); return new Response(); } };\n")
        (self.folder / "wrangler.json").write_text(json.dumps(
            {"name": "shown", "main": "index.ts", "compatibility_date": "2026-01-01"}))
        with Server(shards=1, config='[script]\nerrors = "shown"\n') as server:
            server.deploy(self.folder)
            url = f"http://shown.localhost:{server.http}/"
            text = browser.text_of(url)
            self.assertIn("RangeError: <no> \"order\"", text)
            self.assertIn("index.ts:3:27", text)
            self.assertIn("    3    if (order.id < 1) throw new RangeError", text)
            _, _, rows = browser.pixels_of(url)
            self.assertGreater(len({pixel for row in rows for pixel in row}), 20)  # It is drawn.


if __name__ == "__main__":
    unittest.main()
