# What of the documentation is written from the option table: generate_docs renews it, a unit test compares.
add_library(symmbench_docs STATIC EXCLUDE_FROM_ALL
  ${PROJECT_SOURCE_DIR}/scripts/docs/generated_docs.cpp ${PROJECT_SOURCE_DIR}/scripts/docs/option_words.cpp
  ${PROJECT_SOURCE_DIR}/scripts/docs/config_keys.cpp ${PROJECT_SOURCE_DIR}/scripts/docs/man_page.cpp
  ${PROJECT_SOURCE_DIR}/scripts/docs/bash_completion.cpp ${PROJECT_SOURCE_DIR}/scripts/docs/zsh_completion.cpp)
symmbench_use_precompiled(symmbench_docs)
target_compile_definitions(symmbench_docs PRIVATE SYMMBENCH_PROJECT_VERSION="${PROJECT_VERSION}")
target_link_libraries(symmbench_docs PUBLIC symmbench_flags symmbench_cli)
add_executable(generate_docs EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/scripts/docs/generate_docs.cpp)
target_link_libraries(generate_docs PRIVATE symmbench_docs)
