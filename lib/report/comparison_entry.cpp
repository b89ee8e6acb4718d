#include "report/comparison_entry.hpp"

namespace symmbench {
namespace {

Json mean_us(const Json& row) { return pick_number(member(row, "time_us"), "mean"); }

}  // namespace

void add_case(Json& entry, const Json& a, const Json& b) {
  entry["workspace"] = pick_text(a, "workspace");
  entry["handle"] = pick_text(member(a, "handle"), "asked");
  entry["group"] = pick_integer(a, "group");
  entry["in_place"] = pick_flag(a, "in_place");
  for (const char* key : {"pattern", "algorithm", "dtype"}) entry[key] = pick_text(a, key);
  for (const char* key : {"tokens", "hidden", "message_bytes"}) entry[key] = pick_integer(a, key);
  entry["time_a_us"] = mean_us(a);
  entry["time_b_us"] = mean_us(b);
}

}  // namespace symmbench
