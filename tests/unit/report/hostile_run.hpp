#pragma once
#include "run_builder.hpp"

namespace symmbench {

/// Text that breaks what does not escape: markup, quotes, separators, a line break, control characters, bytes that are
/// no UTF-8, a noncharacter.
inline const std::string kHostile = "<a b=\"1\">&amp;'\\,;\n\x01\x1b[31m\xff\xef\xbf\xbf]]> \xc3\xa9";

/// Two cases, the first of which failed on rank 2 with hostile words; hostile names of host and GPU.
inline RunBuilder hostile_run() {
  RunBuilder run(2);
  for (int rank = 0; rank < 4; ++rank) {
    RankFacts facts{.rank = rank, .facts = {{"host", kHostile}}};
    facts.facts["devices"] = Json::array({Json{{"kind", "host"}, {"uuid", "GPU-" + std::to_string(rank)}}});
    run.add(facts);
  }
  RowRecord bad = run.ok(0, kSymm);
  bad.status = "failed";
  bad.wrong_elements = 7;
  bad.failure = Failure{
      .layer = Layer::verify, .reason = Reason::wrong_data, .detail = kHostile, .phase = Phase::verify, .rank = 2};
  bad.reason = kHostile;
  run.add(bad).add(run.ok(0, kTorch)).add(run.ok(1, kSymm)).add(run.ok(1, kTorch));
  return run;
}

}  // namespace symmbench
