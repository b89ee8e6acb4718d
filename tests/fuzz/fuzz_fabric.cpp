#include "config/fabric_profile.hpp"
#include "core/document.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refused_or_read([&] {
    const FabricDocument document(parse_document(fuzz::text_of(data, size), "fuzz").value, "fuzz");
    const int hosts = usual_hosts(document.profile(), 72);
    for (int host = 0; host < hosts; ++host) (void)document.on_host(host);
  });
  return 0;
}
