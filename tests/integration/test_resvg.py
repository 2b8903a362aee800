"""A WebAssembly program from npm that does visible work: @resvg/resvg-wasm, SVG in, PNG out."""

import subprocess
import unittest

from support import png
from support.apps import project
from support.curl import TRANSPORTS, curl
from support.server import Server

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
  <defs><linearGradient id="g"><stop offset="0" stop-color="red"/>
  <stop offset="1" stop-color="blue"/></linearGradient></defs>
  <rect width="32" height="32" fill="#ff0000"/>
  <circle cx="48" cy="16" r="12" fill="#00ff00"/>
  <rect y="32" width="64" height="32" fill="url(#g)"/>
</svg>"""


def setUpModule():
    global server, folder
    server = unittest.enterModuleContext(Server())
    folder = unittest.enterModuleContext(project("resvg"))
    server.deploy(folder)


class Resvg(unittest.TestCase):
    def test_picture(self):
        """the picture has the colours that the SVG says"""
        answer = curl(server, "resvg.localhost", "/", method="POST", body=SVG)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "image/png"))
        width, height, rows = png.pixels(answer.body)
        self.assertEqual((width, height), (64, 64))
        self.assertEqual(rows[8][8], (255, 0, 0, 255))
        self.assertEqual(rows[16][48], (0, 255, 0, 255))
        self.assertEqual(rows[2][62][3], 0)  # Nothing was drawn there.
        left, right = rows[48][1], rows[48][62]
        self.assertGreater(left[0], 240)
        self.assertGreater(right[2], 240)

    def test_reference(self):
        """the picture is byte for byte what the same package draws under Node"""
        reference = subprocess.run(["node", "reference.mjs"], cwd=folder, input=SVG.encode(),
                                   capture_output=True, check=True).stdout
        for transport in TRANSPORTS:
            with self.subTest(transport):
                answer = curl(server, "resvg.localhost", "/", transport, method="POST", body=SVG)
                self.assertEqual(answer.body, reference)

    def test_broken_svg(self):
        """a program that throws on bad input costs one answer, not the script"""
        bad = curl(server, "resvg.localhost", "/", method="POST", body="<svg")
        self.assertEqual((bad.status, bad.headers.get("atoll-error")), (500, "script_exception"))
        good = curl(server, "resvg.localhost", "/", method="POST", body=SVG)
        self.assertEqual(good.status, 200)
