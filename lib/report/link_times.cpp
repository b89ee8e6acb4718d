#include "report/link_times.hpp"

#include <algorithm>
#include <map>

namespace symmbench {
namespace {

void keep_least(LinkTimesRecord& least, const LinkTimesRecord& next) {
  if (least.bytes != next.bytes || least.read_us.size() != next.read_us.size()) return;
  for (std::size_t reader = 0; reader < least.read_us.size(); ++reader) {
    for (std::size_t owner = 0; owner < least.read_us.size(); ++owner) {
      double& us = least.read_us[reader][owner];
      us = std::min(us, next.read_us[reader][owner]);
    }
  }
}

Json read_times_json(const LinkTimesRecord& times) {
  Json rows = Json::array();
  for (std::size_t reader = 0; reader < times.read_us.size(); ++reader) {
    Json row = times.read_us[reader];
    row[reader] = nullptr;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

Json fold_link_times(const RecordSet& records) {
  std::map<int, LinkTimesRecord> by_group;
  for (const auto& record : records.link_times) {
    const auto [it, first] = by_group.try_emplace(record.group, record);
    if (!first) keep_least(it->second, record);
  }
  Json list = Json::array();
  for (const auto& [group, times] : by_group) {
    list.push_back({{"group", group},
                    {"allocator", times.allocator},
                    {"bytes", times.bytes},
                    {"read_us", read_times_json(times)}});
  }
  return list;
}

}  // namespace symmbench
