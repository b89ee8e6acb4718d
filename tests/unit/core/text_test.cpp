#include "core/text.hpp"

#include <catch2/catch_test_macros.hpp>

#include "core/counted.hpp"
#include "core/fitted.hpp"

using namespace symmbench;

TEST_CASE("sizes are read with suffixes of 1024^n") {
  CHECK(parse_bytes("0") == 0);
  CHECK(parse_bytes("16") == 16);
  CHECK(parse_bytes("4K") == 4096);
  CHECK(parse_bytes("4k") == 4096);
  CHECK(parse_bytes("64KiB") == 65536);
  CHECK(parse_bytes("1.5M") == 1536 * 1024);
  CHECK(parse_bytes("2G") == 2ull << 30);
  CHECK(parse_bytes("18446744073709551615") == UINT64_MAX);
}

TEST_CASE("what is no size is refused, not read up to where it goes wrong") {
  for (const char* text : {"", " ", "K", "-4", "+4", "4X", "4K ", " 4K", "4KK", "1.5", "2.0", "0.3K", "1e3", "0x10",
                           "4.K", "18446744073709551616", "17179869184G", "nan", "inf"}) {
    INFO('"' << text << '"');
    CHECK_FALSE(parse_bytes(text));
  }
}

TEST_CASE("a size is written in the largest unit that keeps it short, and reads back") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(16) == "16 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(4096) == "4 KiB");
  CHECK(format_bytes(1536ull << 10) == "1.5 MiB");
  CHECK(format_bytes(2ull << 30) == "2 GiB");
}

TEST_CASE("a typing mistake finds the name that was meant, another word finds none") {
  const std::vector<std::string> names{"allocator", "algorithm", "pattern"};
  CHECK(nearest_name("allocater", names) == "allocator");
  CHECK(nearest_name("algoritm", names) == "algorithm");
  CHECK(nearest_name("pattern", names) == "pattern");
  CHECK_FALSE(nearest_name("journal", names));
  CHECK_FALSE(nearest_name("", names));
  CHECK_FALSE(nearest_name("x", {}));
  const std::vector<std::string> short_names{"ok", "git", "n", "run", "bf16", "list"};
  for (const char* other : {"foo", "exit", "x", "size", "big"}) CHECK_FALSE(nearest_name(other, short_names));
  CHECK(nearest_name("okk", short_names) == "ok");
  CHECK(nearest_name("rnu", short_names) == "run");  // two letters swapped are one mistake
  CHECK(nearest_name("bf61", short_names) == "bf16");
  CHECK(nearest_name("lst", short_names) == "list");
}

TEST_CASE("a count of one has no plural") {
  CHECK(counted(0, "row") == "0 rows");
  CHECK(counted(1, "row") == "1 row");
  CHECK(counted(std::size_t{2}, "row") == "2 rows");
}

TEST_CASE("lines that are too long for a terminal go on under their text, between words") {
  CHECK(fitted("short\n\nname  what it is, in words\n", 16) == "short\n\nname  what it\n      is, in\n      words\n");
  CHECK(fitted("  one two three four", 12) == "  one two\n    three\n    four");
  CHECK(fitted("  averyveryverylongword b", 10) == "  averyveryverylongword\n    b");
  CHECK(fitted("one two three", 0) == "one two three");
  CHECK(fitted("", 10).empty());
}

TEST_CASE("a list keeps its empty parts, so that a stray comma can be refused") {
  CHECK(split_list("a,b") == std::vector<std::string>{"a", "b"});
  CHECK(split_list("a") == std::vector<std::string>{"a"});
  CHECK(split_list("a,,b") == std::vector<std::string>{"a", "", "b"});
  CHECK(split_list("1x2", 'x') == std::vector<std::string>{"1", "2"});
}

TEST_CASE("hashes are the published ones") {
  CHECK(crc32("123456789") == 0xCBF43926u);  // the check value of CRC-32/ISO-HDLC
  CHECK(crc32("") == 0);
  CHECK(fnv1a("") == 0xCBF29CE484222325ull);
  CHECK(fnv1a("a") == 0xAF63DC4C8601EC8Cull);
}
