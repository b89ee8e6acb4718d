#pragma once
#include "findings/finding.hpp"

namespace symmbench {

/// Checks on facts of ranks, handle choices and outcomes: the rows of check_table() say what each means.
Observed observe_rule_split(const CheckRow& row, const Json& report);
Observed observe_rules_differ(const CheckRow& row, const Json& report);
Observed observe_imex_channel(const CheckRow& row, const Json& report);
Observed observe_fabric_state(const CheckRow& row, const Json& report);
Observed observe_fabric_status(const CheckRow& row, const Json& report);
Observed observe_fabric_health(const CheckRow& row, const Json& report);
Observed observe_clique_split(const CheckRow& row, const Json& report);
Observed observe_zero_cluster(const CheckRow& row, const Json& report);
Observed observe_unreachable(const CheckRow& row, const Json& report);
Observed observe_confidential(const CheckRow& row, const Json& report);
Observed observe_confidential_split(const CheckRow& row, const Json& report);
Observed observe_multicast_split(const CheckRow& row, const Json& report);
Observed observe_driver_split(const CheckRow& row, const Json& report);
Observed observe_model_split(const CheckRow& row, const Json& report);
Observed observe_multiprocessors(const CheckRow& row, const Json& report);
Observed observe_link_counts(const CheckRow& row, const Json& report);
Observed observe_environment(const CheckRow& row, const Json& report);
Observed observe_namespaces(const CheckRow& row, const Json& report);
Observed observe_visible_devices(const CheckRow& row, const Json& report);

}  // namespace symmbench
