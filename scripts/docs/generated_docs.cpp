#include "scripts/docs/generated_docs.hpp"

#include "scripts/docs/bash_completion.hpp"
#include "scripts/docs/config_keys.hpp"
#include "scripts/docs/man_page.hpp"
#include "scripts/docs/zsh_completion.hpp"

namespace symmbench {

std::vector<GeneratedFile> generated_docs() {
  return {{"app/docs/symmbench.1", [](const std::string&) { return man_page(); }},
          {"app/docs/completion/symmbench.bash", [](const std::string&) { return bash_completion(); }},
          {"app/docs/completion/_symmbench", [](const std::string&) { return zsh_completion(); }},
          {"app/docs/configuration.md", with_current_keys}};
}

}  // namespace symmbench
