#include "config/pattern_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "catalog/parameters_of_patterns.hpp"
#include "catalog/pattern_parameters.hpp"

namespace symmbench {
namespace {

bool some_pattern_takes(const Settings& settings, std::string_view parameter) {
  return std::ranges::any_of(settings.at("pattern").value, [&](const Json& name) {
    return takes_parameter(*pattern_from(name.get<std::string>()), parameter);
  });
}

/// "moe_finalize_residual_rmsnorm", "any but allreduce".
std::string patterns_that_take(std::string_view parameter) {
  std::vector<std::string_view> with, without;
  for (const PatternRow& row : kPatterns) (takes_parameter(row.value, parameter) ? with : without).push_back(row.name);
  return with.size() > without.size() ? fmt::format("any but {}", fmt::join(without, ", "))
                                      : fmt::format("{}", fmt::join(with, ", "));
}

[[noreturn]] void refuse(const Setting& setting, std::string_view parameter) {
  setting.fail(fmt::format("must be combined with a --pattern that takes it: {}", patterns_that_take(parameter)));
}

bool at_default(const Setting& setting, const std::string& key) {
  static const Settings defaults = default_layer();
  return setting.value == defaults.at(key).value;
}

template <class F>
void for_each_parameter(F&& f) {
  PatternParameters::visit([&](std::string_view name, std::string_view, auto) { f(std::string(name)); });
}

}  // namespace

void refuse_parameters_without_pattern(const GivenSettings& given) {
  for_each_parameter([&](const std::string& key) {
    const auto takes = [&](const Settings& settings) { return some_pattern_takes(settings, key); };
    const bool taken = std::ranges::any_of(given.merged, takes);
    if (const auto typed = given.typed.find(key); typed != given.typed.end()) {
      if (!taken) refuse(typed->second, key);
      return;
    }
    if (given.typed.contains("pattern")) return;
    for (std::size_t i = 0; i < given.sweeps.size(); ++i) {
      const auto own = given.sweeps[i].find(key);
      if (own != given.sweeps[i].end() && !at_default(own->second, key) && !takes(given.merged[i])) {
        refuse(own->second, key);
      }
    }
    const auto of_all = given.file.find(key);
    if (of_all != given.file.end() && !at_default(of_all->second, key) && !taken) refuse(of_all->second, key);
  });
}

Settings without_parameters_of_others(Settings settings) {
  const Settings defaults = default_layer();
  for_each_parameter([&](const std::string& key) {
    if (!some_pattern_takes(settings, key)) settings.insert_or_assign(key, defaults.at(key));
  });
  return settings;
}

}  // namespace symmbench
