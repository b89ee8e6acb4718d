#pragma once
#include <pugixml.hpp>

#include "core/json.hpp"

namespace symmbench {

/// Sections of a page about one report; each is left out where the report has nothing for it.

/// A line per row whose status is not "ok": which, and why.
void add_rows_that_did_not_pass(pugi::xml_node body, const Json& report);
/// Rows that differ in size, allocator and algorithm only: a chart, and a table of the same figures.
void add_times(pugi::xml_node body, const Json& report);
/// comparison[]: the allocators against the first, case by case.
void add_allocator_comparisons(pugi::xml_node body, const Json& report);
/// stability[]: phases of lifecycles by allocator, failures, leaks.
void add_lifecycles(pugi::xml_node body, const Json& report);

}  // namespace symmbench
