#include "websocket/handshake.h"

#include <doctest/doctest.h>

namespace atolld::websocket {

TEST_CASE("acceptFor answers RFC 6455's own example") {
  CHECK(acceptFor("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("makeKey gives 16 random bytes as base64") {
  CHECK(makeKey().size() == 24);
  CHECK(makeKey() != makeKey());
}

TEST_CASE("chooseExtension accepts the first offer that it can keep") {
  struct Row {
    std::string_view offers, answer;
    DeflateParameters sending, receiving;
  };
  for (const Row& row : {
           Row{"permessage-deflate", "permessage-deflate", {13, true}, {15, true}},
           Row{"permessage-deflate; client_max_window_bits",
               "permessage-deflate; client_max_window_bits=13",
               {13, true},
               {13, true}},
           Row{"permessage-deflate; client_max_window_bits=10; server_max_window_bits=9",
               "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
               {9, true},
               {10, true}},
           Row{"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
               "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
               {13, false},
               {15, false}},
           Row{"x-unknown, permessage-deflate; nonsense=1, permessage-deflate;"
               "server_max_window_bits=\"12\"",
               "permessage-deflate; server_max_window_bits=12",
               {12, true},
               {15, true}},
       }) {
    CAPTURE(row.offers);
    const auto agreed = chooseExtension(row.offers);
    REQUIRE(agreed);
    CHECK(agreed->extensions == row.answer);
    CHECK(agreed->compression.sending.windowBits == row.sending.windowBits);
    CHECK(agreed->compression.sending.contextTakeover == row.sending.contextTakeover);
    CHECK(agreed->compression.receiving.windowBits == row.receiving.windowBits);
    CHECK(agreed->compression.receiving.contextTakeover == row.receiving.contextTakeover);
  }
}

TEST_CASE("chooseExtension declines what it does not understand whole") {
  for (std::string_view offers :
       {"", ",", ";", "x-webkit-deflate-frame", "permessage-deflate; x",
        "permessage-deflate;=", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=-9",
        "permessage-deflate; client_max_window_bits=99999999999999999999",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=\"", "\"permessage-deflate"}) {
    CAPTURE(offers);
    CHECK_FALSE(chooseExtension(offers));
  }
}

TEST_CASE("readAgreement takes what a server may answer, and refuses what it may not") {
  CHECK_FALSE(readAgreement("").value());
  CHECK(readAgreement("permessage-deflate").value());
  const auto small =
      readAgreement("permessage-deflate; client_max_window_bits=9; server_max_window_bits=10");
  REQUIRE(small.value());
  CHECK((*small)->sending.windowBits == 9);
  CHECK((*small)->receiving.windowBits == 10);
  for (std::string_view hostile :
       {"x-unknown", "permessage-deflate, permessage-deflate", "permessage-deflate; x=1",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=8x"}) {
    CAPTURE(hostile);
    CHECK_FALSE(readAgreement(hostile));
  }
}

}  // namespace atolld::websocket
