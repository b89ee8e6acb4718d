#include "config/fabric_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <tuple>

#include "config/document_place.hpp"
#include "config/option_value.hpp"

namespace symmbench {
namespace {

constexpr std::int64_t kMostHosts = 72, kMostGpus = 576;
constexpr std::int64_t kMostGranularity = std::int64_t{1} << 40;

/// Every value of a profile, in the order of the file; each has its source.
constexpr const char* kValues[] = {"sm_version",
                                   "gpus_per_host",
                                   "gpus_per_domain",
                                   "driver_version",
                                   "handles",
                                   "gpu_direct_rdma",
                                   "confidential_computing",
                                   "registration",
                                   "imex",
                                   "granularity",
                                   "multicast",
                                   "links"};

std::pair<std::uint64_t, std::uint64_t> granularity_in(const DocumentPlace& place) {
  const auto minimum = place.at("minimum_bytes"), recommended = place.at("recommended_bytes");
  const auto low = static_cast<std::uint64_t>(minimum.integer_of(4096, kMostGranularity));
  const auto high = static_cast<std::uint64_t>(recommended.integer_of(4096, kMostGranularity));
  if (!std::has_single_bit(low)) minimum.fail_value("must be a power of two");
  if (high % low != 0) recommended.fail_value(fmt::format("must be a multiple of minimum_bytes, {}", low));
  return {low, high};
}

void read_handles(const DocumentPlace& place, FabricProfile& profile) {
  place.require_keys({"posix_fd", "fabric", "cuda_ipc"});
  profile.posix_fd = place.at("posix_fd").flag();
  profile.fabric = place.at("fabric").flag();
  profile.cuda_ipc = place.at("cuda_ipc").flag();
}

void read_registration(const DocumentPlace& place, FabricProfile& profile) {
  place.require_keys({"state", "status", "cluster", "clique_id", "health_summary"});
  profile.state = place.at("state").name_of({"not_supported", "not_started", "in_progress", "completed"});
  profile.status = static_cast<int>(place.at("status").integer_of(0, 999));
  profile.cluster = place.at("cluster").flag();
  profile.clique_id = static_cast<std::uint32_t>(place.at("clique_id").integer_of(0, 0xFFFFFFFF));
  profile.health_summary = static_cast<int>(place.at("health_summary").integer_of(0, 3));
  if (profile.state == "not_supported" && profile.cluster) {
    place.at("cluster").fail("must be false where state is not_supported: only a registered GPU is in a cluster");
  }
}

void read_multicast(const DocumentPlace& place, FabricProfile& profile) {
  place.require_keys({"supported", "minimum_bytes", "recommended_bytes", "groups"});
  profile.multicast = place.at("supported").flag();
  std::tie(profile.multicast_minimum, profile.multicast_recommended) = granularity_in(place);
  (void)place.at("groups").integer_of(0, 1 << 20);
  if (profile.multicast && profile.confidential_computing) {
    place.at("supported").fail("must be false where confidential_computing is true, which turns multicast off");
  }
}

void read_links(const DocumentPlace& place, FabricProfile& profile) {
  place.require_keys({"count", "gbs_each", "copy_gbs"});
  profile.links = static_cast<int>(place.at("count").integer_of(1, 1000));
  profile.link_gbs = place.at("gbs_each").number_of(0.1, 1e4);
  const auto copy = place.at("copy_gbs");
  profile.copy_gbs = copy.number_of(0.1, 1e6);
  if (profile.copy_gbs > profile.links * profile.link_gbs) {
    copy.fail_value(fmt::format("must not exceed count x gbs_each, {:g}", profile.links * profile.link_gbs));
  }
}

void check_sources(const DocumentPlace& root) {
  const auto sources = root.at("sources");
  if (!sources.json.is_object()) sources.fail("must be an object");
  for (const char* key : kValues) (void)sources.at(key).text();
  for (const auto& [key, text] : sources.json.items()) {
    const bool known = std::find(std::begin(kValues), std::end(kValues), key) != std::end(kValues);
    if (!known) sources.fail(fmt::format("unknown key '{}': no such value is in a profile", key));
  }
}

FabricProfile profile_in(const DocumentPlace& root) {
  FabricProfile profile{.name = root.at("name").text(), .product = root.at("product").text()};
  profile.sm_version = static_cast<int>(root.at("sm_version").integer_of(70, 199));
  profile.gpus_per_host = static_cast<int>(root.at("gpus_per_host").integer_of(1, 72));
  const auto domain = root.at("gpus_per_domain");
  profile.gpus_per_domain = static_cast<int>(domain.integer_of(1, kMostGpus));
  if (profile.gpus_per_domain % profile.gpus_per_host != 0) {
    domain.fail_value(fmt::format("must be a multiple of gpus_per_host, {}", profile.gpus_per_host));
  }
  profile.driver_version = static_cast<int>(root.at("driver_version").integer_of(11000, 99990));
  read_handles(root.at("handles"), profile);
  profile.gpu_direct_rdma = root.at("gpu_direct_rdma").flag();
  profile.confidential_computing = root.at("confidential_computing").flag();
  read_registration(root.at("registration"), profile);
  const auto imex = root.at("imex");
  imex.require_keys({"channel", "daemon"});
  profile.imex_channel = imex.at("channel").flag();
  profile.imex_daemon = imex.at("daemon").flag();
  const auto granularity = root.at("granularity");
  granularity.require_keys({"minimum_bytes", "recommended_bytes"});
  std::tie(profile.minimum_granularity, profile.recommended_granularity) = granularity_in(granularity);
  read_multicast(root.at("multicast"), profile);
  read_links(root.at("links"), profile);
  return profile;
}

/// What stands in "hosts", without the host's number: values of the profile, which may leave members out.
Json with_differences(Json document, const DocumentPlace& host) {
  Json patch = host.json;
  patch.erase("host");
  document.erase("hosts");
  document.merge_patch(patch);
  return document;
}

}  // namespace

FabricDocument::FabricDocument(const Json& document, const std::string& what) {
  const DocumentPlace root{document, what};
  root.require_keys({"$schema", "name", "description", "product", "sm_version", "gpus_per_host", "gpus_per_domain",
                     "driver_version", "handles", "gpu_direct_rdma", "confidential_computing", "registration", "imex",
                     "granularity", "multicast", "links", "sources", "hosts"});
  (void)root.at("description").text();
  profile_ = profile_in(root);
  check_sources(root);
  if (!document.contains("hosts")) return;
  const auto hosts = root.at("hosts");
  hosts.require_list();
  for (std::size_t i = 0; i < hosts.json.size(); ++i) {
    const auto host = hosts.element(i);
    host.require_keys({"host", "driver_version", "handles", "gpu_direct_rdma", "confidential_computing", "registration",
                       "imex", "granularity", "multicast"});
    const auto number = host.at("host");
    const auto index = static_cast<int>(number.integer_of(0, kMostHosts - 1));
    const auto same = [&](const auto& other) { return other.first == index; };
    if (std::any_of(of_hosts_.begin(), of_hosts_.end(), same)) number.fail_value("this host is given twice");
    const Json whole = with_differences(document, host);
    of_hosts_.emplace_back(index, profile_in({whole, host.path}));
  }
}

FabricDocument FabricDocument::of_value(const Json& value) {
  if (value.is_object()) return {value, "fabric"};
  const auto name = value.get<std::string>();
  const auto known = shipped_fabrics();
  const auto at = std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.name == name; });
  if (at == known.end()) fail_config(fmt::format("fabric '{}': not a shipped profile", name));
  const auto what = fmt::format("fabric profile '{}'", name);
  return {parse_json(at->text, what), what};
}

const FabricProfile& FabricDocument::on_host(int host) const {
  const auto at = std::find_if(of_hosts_.begin(), of_hosts_.end(), [&](const auto& one) { return one.first == host; });
  return at == of_hosts_.end() ? profile_ : at->second;
}

int usual_hosts(const FabricProfile& profile, int world_size) {
  return (world_size + profile.gpus_per_host - 1) / profile.gpus_per_host;
}

}  // namespace symmbench
