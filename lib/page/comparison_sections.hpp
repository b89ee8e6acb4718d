#pragma once
#include <pugixml.hpp>

#include "page/report_page.hpp"

namespace symmbench {

/// What `symmbench compare` says of two reports: surroundings first, then times case by case, B over A.
void add_other_report(pugi::xml_node body, const NamedReport& a, const NamedReport& b);

}  // namespace symmbench
