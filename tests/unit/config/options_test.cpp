#include "config/options.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>

#include "config/option_value.hpp"

using namespace symmbench;

TEST_CASE("every option of the design exists under its name and letter") {
  const std::pair<const char*, char> expected[] = {{"minbytes", 'b'},
                                                   {"maxbytes", 'e'},
                                                   {"stepfactor", 'f'},
                                                   {"stepbytes", 'i'},
                                                   {"iters", 'n'},
                                                   {"warmup-iters", 'w'},
                                                   {"check", 'c'},
                                                   {"datatype", 'd'},
                                                   {"cudagraph", 'G'},
                                                   {"timeout", 'T'},
                                                   {"report", 'J'},
                                                   {"device", 0},
                                                   {"workspace", 0},
                                                   {"allocator", 0},
                                                   {"handle", 0},
                                                   {"multicast", 0},
                                                   {"algorithm", 0},
                                                   {"pattern", 0},
                                                   {"tokens", 0},
                                                   {"hidden", 0},
                                                   {"in-place", 0},
                                                   {"lifecycles", 0},
                                                   {"soak", 0},
                                                   {"lifecycle-fresh", 0},
                                                   {"concurrent", 0},
                                                   {"memory-pressure", 0},
                                                   {"reattach", 0},
                                                   {"time-limit", 0},
                                                   {"config", 0},
                                                   {"output-dir", 0},
                                                   {"group-size", 0},
                                                   {"seed", 0},
                                                   {"strict", 0},
                                                   {"fail-on", 0},
                                                   {"fabric", 0},
                                                   {"virtual-hosts", 0},
                                                   {"inject", 0},
                                                   {"bisect", 0},
                                                   {"torch-layout", 0},
                                                   {"isolation", 0},
                                                   {"deadline-scale", 0},
                                                   {"blocks", 0},
                                                   {"threads", 0},
                                                   {"tune", 0},
                                                   {"baseline", 0},
                                                   {"max-regress", 0},
                                                   {"threshold", 0},
                                                   {"ci-width", 0},
                                                   {"skip-if-unsupported", 0},
                                                   {"csv", 0},
                                                   {"jsonl", 0},
                                                   {"junit", 0},
                                                   {"prometheus", 0},
                                                   {"format", 0},
                                                   {"journal", 0},
                                                   {"raw-samples", 0},
                                                   {"plan", 0},
                                                   {"scale-layout", 0},
                                                   {"quant-group", 0},
                                                   {"quant-scale", 0},
                                                   {"routed-scaling", 0},
                                                   {"global-scale", 0},
                                                   {"weight-bias", 0},
                                                   {"experts", 0},
                                                   {"top-k", 0},
                                                   {"epsilon", 0},
                                                   {"tuning", 0},
                                                   {"pdl", 0},
                                                   {"accumulate", 0},
                                                   {"trigger", 0},
                                                   {"buffers", 0},
                                                   {"progress", 0},
                                                   {"quiet", 0},
                                                   {"placements", 0},
                                                   {"columns", 0},
                                                   {"verbose", 'v'},
                                                   {"min-busbw", 0},
                                                   {"workspace-tokens", 0},
                                                   {"workspace-bytes", 0}};
  CHECK(option_table().size() == std::size(expected));
  for (const auto& [name, letter] : expected) {
    CAPTURE(name);
    std::string key(name);
    for (auto& c : key) c = c == '-' ? '_' : c;
    const auto* spec = find_option(key);
    REQUIRE(spec);
    CHECK(spec->name == name);
    CHECK(spec->letter == letter);
    CHECK_FALSE(spec->help.empty());
  }
}

TEST_CASE("names and letters of options are unique") {
  std::set<std::string> names;
  std::set<char> letters{'h'};  // --help
  for (const auto& spec : option_table()) {
    CAPTURE(spec.name);
    CHECK(names.insert(spec.key()).second);
    if (spec.letter) CHECK(letters.insert(spec.letter).second);
  }
}

TEST_CASE("every default is a value that its own option accepts, and its text comes back") {
  for (const auto& spec : option_table()) {
    if (spec.default_text.empty()) continue;
    CAPTURE(spec.name);
    const auto origin = Origin::default_of(spec);
    const auto value = value_from_text(spec, spec.default_text, origin);
    CHECK(value_from_text(spec, text_from_value(spec, value), origin) == value);
  }
}

TEST_CASE("a number comes back as it would be typed") {
  const auto& factor = option("stepfactor");
  const auto again = [&](const char* text) {
    return text_from_value(factor, value_from_text(factor, text, Origin::command_line(factor)));
  };
  CHECK(again("16") == "16");
  CHECK(again("1.5") == "1.5");
}

TEST_CASE("a name option has names, and one that is in this version has a name that is too") {
  for (const auto& spec : option_table()) {
    const bool named = spec.kind == OptionKind::names || spec.kind == OptionKind::name;
    CAPTURE(spec.name);
    CHECK(named == !spec.choices.empty());
    if (named) CHECK(spec.now == !names_now(spec).empty());
  }
}
