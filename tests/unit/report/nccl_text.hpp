#pragma once
#include <cctype>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "report/nccl_table.hpp"
#include "run_builder.hpp"

namespace symmbench {

inline std::string nccl_text(const RunBuilder& run) {
  std::ostringstream out;
  write_nccl(out, run.report());
  return out.str();
}

inline std::vector<std::string> nccl_fields(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// The first line that holds `needle`.
inline std::string nccl_line(const std::string& text, const std::string& needle) {
  for (const auto& line : split_list(text, '\n')) {
    if (line.find(needle) != std::string::npos) return line;
  }
  return "";
}

/// CloudAI's rule: a row starts with a digit and splits into 13 fields.
inline std::vector<std::vector<std::string>> nccl_rows(const std::string& text) {
  std::vector<std::vector<std::string>> found;
  for (const auto& line : split_list(text, '\n')) {
    const auto split = nccl_fields(line);
    if (!split.empty() && std::isdigit(static_cast<unsigned char>(split[0][0]))) found.push_back(split);
  }
  return found;
}

/// Two rows per case: out of place and in place.
inline RunBuilder nccl_both_places(int cases) {
  RunBuilder run(cases, {kSymm});
  const auto planned = run.started.planned_rows;
  run.add_all_ok();
  for (std::size_t i = 0; i < planned.size(); ++i) {
    Json in_place = planned[i];
    in_place["in_place"] = true;
    in_place["case_id"] = "in-" + std::to_string(i);
    run.started.planned_rows.push_back(in_place);
    RowRecord row = run.ok(static_cast<int>(i), kSymm, 20);
    row.case_id = in_place["case_id"];
    run.add(row);
  }
  return run;
}

}  // namespace symmbench
