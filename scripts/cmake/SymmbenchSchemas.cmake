# The lists of names in the shipped schemas: generate_schemas renews them, a unit test compares.
add_library(symmbench_schema_names STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/scripts/schema/schema_names.cpp)
symmbench_use_precompiled(symmbench_schema_names)
target_link_libraries(symmbench_schema_names PUBLIC symmbench_flags symmbench_config)
add_executable(generate_schemas EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/scripts/schema/generate_schemas.cpp)
target_link_libraries(generate_schemas PRIVATE symmbench_schema_names)
