#include "report/floors.hpp"

#include <algorithm>

namespace symmbench {

std::map<int, Floors> floors_by_group(const RecordSet& records) {
  std::map<int, Floors> floors;
  for (const auto& record : records.floors) {
    const auto [it, first] =
        floors.try_emplace(record.group, Floors{record.empty_kernel_us, record.flag_barrier_us, record.hop_us,
                                                record.peer_write_gbs, record.peer_read_gbs});
    if (first) continue;
    Floors& best = it->second;
    best.empty_kernel_us = std::min(best.empty_kernel_us, record.empty_kernel_us);
    best.flag_barrier_us = std::min(best.flag_barrier_us, record.flag_barrier_us);
    best.hop_us = std::min(best.hop_us, record.hop_us);
    best.peer_write_gbs = std::max(best.peer_write_gbs, record.peer_write_gbs);
    best.peer_read_gbs = std::max(best.peer_read_gbs, record.peer_read_gbs);
  }
  return floors;
}

Json fold_floors(const RecordSet& records) {
  Json list = Json::array();
  for (const auto& [group, floors] : floors_by_group(records)) {
    const auto measured = std::count_if(records.floors.begin(), records.floors.end(),
                                        [group = group](const FloorsRecord& record) { return record.group == group; });
    list.push_back({{"group", group},
                    {"empty_kernel_us", floors.empty_kernel_us},
                    {"flag_barrier_us", floors.flag_barrier_us},
                    {"hop_us", floors.hop_us},
                    {"peer_write_gbs", floors.peer_write_gbs},
                    {"peer_read_gbs", floors.peer_read_gbs},
                    {"measured", measured}});
  }
  return list;
}

}  // namespace symmbench
