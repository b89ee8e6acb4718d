#include "config/fabric_profile.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failures.hpp"

using namespace symmbench;

namespace {

Json shipped(const char* name) {
  for (const auto& one : shipped_fabrics()) {
    if (one.name == name) return Json::parse(one.text);
  }
  return nullptr;
}

/// What is wrong with the GB300 profile once `change` is merged into it.
std::string objection(const char* change) {
  Json document = shipped("sm103-gb300-nvl72");
  document.merge_patch(Json::parse(change));
  return failure_of([&] { FabricDocument(document, "x.json"); }).detail;
}

}  // namespace

TEST_CASE("every shipped profile is read, and named as its file") {
  CHECK(shipped_fabrics().size() == 5);
  for (const auto& one : shipped_fabrics())
    CHECK(FabricDocument::of_value(std::string(one.name)).profile().name == one.name);
}

TEST_CASE("a board without a cluster cannot make fabric memory, a rack can and spans hosts") {
  const auto board = FabricDocument::of_value("sm103-b300-hgx").profile();
  CHECK_FALSE(board.cluster);
  CHECK_FALSE(board.imex_channel);
  CHECK_FALSE(board.several_hosts());
  const auto rack = FabricDocument::of_value("sm103-gb300-nvl72").profile();
  CHECK(rack.cluster);
  CHECK(rack.imex_channel);
  CHECK(rack.several_hosts());
  CHECK(usual_hosts(rack, 72) == 18);
  CHECK(usual_hosts(rack, 5) == 2);
}

TEST_CASE("what is wrong with a profile is told with key, value and what is allowed") {
  CHECK(objection(R"({"links": null})") == "x.json: 'links' is missing");
  CHECK(objection(R"({"liks": {}})") == "x.json: unknown key 'liks'; did you mean 'links'?");
  CHECK(objection(R"({"sm_version": "103"})") == "x.json.sm_version: '103': must be a whole number from 70 to 199");
  CHECK(objection(R"({"registration": {"state": "ready"}})") ==
        "x.json.registration.state: 'ready': not one of not_supported, not_started, in_progress, completed");
  CHECK(objection(R"({"sources": {"imex": null}})") == "x.json.sources: 'imex' is missing");
}

TEST_CASE("values that contradict each other are refused") {
  CHECK(objection(R"({"gpus_per_domain": 70})") ==
        "x.json.gpus_per_domain: '70': must be a multiple of gpus_per_host, 4");
  CHECK(objection(R"({"granularity": {"recommended_bytes": 3145728}})") ==
        "x.json.granularity.recommended_bytes: '3145728': must be a multiple of minimum_bytes, 2097152");
  CHECK(objection(R"({"links": {"copy_gbs": 901}})") ==
        "x.json.links.copy_gbs: '901': must not exceed count x gbs_each, 900");
  CHECK(objection(R"({"confidential_computing": true})") ==
        "x.json.multicast.supported: must be false where confidential_computing is true, which turns multicast off");
  CHECK(
      objection(R"({"registration": {"state": "not_supported"}})") ==
      "x.json.registration.cluster: must be false where state is not_supported: only a registered GPU is in a cluster");
}

TEST_CASE("a host may differ in single members, and is held to the same rules") {
  Json document = shipped("sm103-gb300-nvl72");
  document["hosts"] = Json::parse(R"([{"host": 1, "imex": {"daemon": false}, "registration": {"clique_id": 7}}])");
  const FabricDocument fabric(document, "x.json");
  CHECK(fabric.on_host(0).imex_daemon);
  CHECK_FALSE(fabric.on_host(1).imex_daemon);
  CHECK(fabric.on_host(1).imex_channel);
  CHECK(fabric.on_host(1).clique_id == 7);
  CHECK(objection(R"({"hosts": [{"host": 1, "imex": {"deamon": false}}]})") ==
        "x.json.hosts[0].imex: unknown key 'deamon'; did you mean 'daemon'?");
  CHECK(objection(R"({"hosts": [{"host": 1}, {"host": 1}]})") == "x.json.hosts[1].host: '1': this host is given twice");
}

TEST_CASE("virtual hosts hold contiguous ranks, as evenly as can be") {
  CHECK(virtual_host_of(3, 2, 8) == 0);
  CHECK(virtual_host_of(4, 2, 8) == 1);
  CHECK(virtual_host_of(71, 18, 72) == 17);
  CHECK(virtual_host_of(4, 1, 5) == 0);
}
