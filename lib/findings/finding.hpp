#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

enum class Severity { pass, info, warning, critical, unknown };
std::string_view name_of(Severity severity);
/// "info", "warning" and "critical" only.
std::optional<Severity> severity_from(std::string_view name);

/// What a check saw where it found something.
struct Hit {
  std::vector<std::string> entities;                ///< "rank 3", "host node7", "allocator torch_symm_mem"
  Json evidence;                                    ///< an object: the facts that it rests on
  std::optional<Severity> severity = std::nullopt;  ///< nullopt: the check's own
};

/// What became of a check.
struct Observed {
  std::vector<Hit> hits;
  std::string missing;  ///< without hits: the observable that nobody recorded; "": none, it passed
};

/// A conclusion from what a report records, with what to do. The only place where it is written down.
struct CheckRow {
  std::string_view id;
  Severity severity;        ///< of a hit
  std::string_view about;   ///< what a hit means, one line
  std::string_view action;  ///< what to do
  std::string_view source;  ///< where the failure was seen or is documented
  Observed (*observe)(const CheckRow& row, const Json& report);
  // Of a check on failures (observe_failures): what of a recorded failure it goes by; empty or 0: anything.
  std::span<const std::string_view> calls = {};    ///< its call begins with one of these
  std::span<const int> codes = {};                 ///< its code is one of these
  std::string_view reason = {};                    ///< the same
  std::span<const std::string_view> layers = {};   ///< its layer is one of these
  std::span<const std::string_view> details = {};  ///< its words contain one of these
  std::string_view phase = {};                     ///< it happened there
  std::string_view not_phase = {};                 ///< it happened anywhere else
};

}  // namespace symmbench
