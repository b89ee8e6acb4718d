#pragma once
#include <pugixml.hpp>

#include "page/report_page.hpp"

namespace symmbench {

/// Two reports beside each other, by compare_reports(): surroundings first, then times case by case, B over A.
void add_other_report(pugi::xml_node body, const NamedReport& a, const NamedReport& b);

}  // namespace symmbench
