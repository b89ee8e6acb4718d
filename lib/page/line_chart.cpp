#include "page/line_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.hpp"
#include "page/element.hpp"

namespace symmbench {
namespace {

// In pixels of the drawing, which the page scales.
constexpr double kWidth = 720, kHeight = 320, kLeft = 62, kRight = 26, kTop = 14, kBottom = 36, kLegendLine = 17;
constexpr int kMostSizes = 9;  ///< titles along the horizontal axis
/// Colours that people with colour-blindness tell apart. (Okabe and Ito, 2008)
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000", "#f0e442"};

bool is_drawn(const ChartPoint& point) {
  return std::isfinite(point.x) && std::isfinite(point.y) && point.x > 0 && point.y > 0;
}

/// From values to pixels, by their logarithm.
class Axis {
 public:
  Axis(double from_pixel, double to_pixel) : from_pixel_(from_pixel), to_pixel_(to_pixel) {}

  void take(double value) {
    least_ = std::min(least_, value);
    most_ = std::max(most_, value);
  }
  double pixel(double value) const {
    if (most_ <= least_) return (from_pixel_ + to_pixel_) / 2;
    return from_pixel_ + (to_pixel_ - from_pixel_) * std::log(value / least_) / std::log(most_ / least_);
  }
  double least() const { return least_; }
  double most() const { return most_; }
  /// Out to powers of ten, so that the ends have titles.
  void widen() {
    least_ = std::pow(10, std::floor(std::log10(least_)));
    most_ = std::max(std::pow(10, std::ceil(std::log10(most_))), least_ * 10);
  }

 private:
  double from_pixel_, to_pixel_;
  double least_ = std::numeric_limits<double>::infinity(), most_ = 0;
};

void add_text(pugi::xml_node svg, double x, double y, const char* anchor, const std::string& text) {
  pugi::xml_node node = add(svg, "text", text);
  set(node, "x", x);
  set(node, "y", y);
  set(node, "text-anchor", std::string_view(anchor));
}

void add_line(pugi::xml_node svg, double x1, double y1, double x2, double y2, const char* colour) {
  pugi::xml_node line = add(svg, "line");
  set(line, "x1", x1);
  set(line, "y1", y1);
  set(line, "x2", x2);
  set(line, "y2", y2);
  set(line, "stroke", std::string_view(colour));
}

std::string time_text(double us) {
  if (us >= 1e6) return fmt::format("{:.4g} s", us / 1e6);
  return us >= 1e3 ? fmt::format("{:.4g} ms", us / 1e3) : fmt::format("{:.4g} us", us);
}

class Drawing {
 public:
  Drawing(pugi::xml_node parent, const LineChart& chart) : chart_(chart) {
    for (const auto& curve : chart.curves) {
      for (const auto& point : curve.points) {
        if (!is_drawn(point)) continue;
        x_.take(point.x);
        y_.take(point.y);
        sizes_.push_back(point.x);
      }
    }
    std::ranges::sort(sizes_);
    sizes_.erase(std::unique(sizes_.begin(), sizes_.end()), sizes_.end());
    if (sizes_.size() < 2) return;
    y_.widen();
    svg_ = add(parent, "svg");
    const double height = kHeight + kLegendLine * static_cast<double>(chart.curves.size());
    set(svg_, "viewBox", fmt::format("0 0 {:.0f} {:.0f}", kWidth, height));
    set(svg_, "role", std::string_view("img"));
    set(svg_, "aria-label", std::string_view(chart.title));
    draw_axes();
    for (std::size_t i = 0; i < chart.curves.size(); ++i) draw_curve(i);
  }

 private:
  void draw_axes() {
    for (double decade = y_.least(); decade <= y_.most() * 1.001; decade *= 10) {
      const double y = y_.pixel(decade);
      add_line(svg_, kLeft, y, kWidth - kRight, y, "#ddd");
      add_text(svg_, kLeft - 6, y + 4, "end", time_text(decade));
    }
    const std::size_t step = (sizes_.size() + kMostSizes - 1) / kMostSizes;
    for (std::size_t i = 0; i < sizes_.size(); i += step) {
      const double x = x_.pixel(sizes_[i]);
      add_line(svg_, x, kTop, x, kHeight - kBottom, "#eee");
      add_text(svg_, x, kHeight - kBottom + 16, "middle", short_bytes(static_cast<std::uint64_t>(sizes_[i])));
    }
    add_text(svg_, (kLeft + kWidth - kRight) / 2, kHeight - 4, "middle", "bytes of a message");
  }

  void draw_curve(std::size_t number) {
    const ChartCurve& curve = chart_.curves[number];
    const char* colour = kColours[number % std::size(kColours)];
    std::string way;
    pugi::xml_node path = add(svg_, "path");
    for (const auto& point : curve.points) {
      if (!is_drawn(point)) continue;
      const double x = x_.pixel(point.x), y = y_.pixel(point.y);
      way += fmt::format("{}{:.1f} {:.1f}", way.empty() ? "M" : " L", x, y);
      draw_point(point, x, y, curve.name, colour);
    }
    set(path, "d", way);
    style(path, colour, curve.dashed);
    const double y = kHeight + kLegendLine * (static_cast<double>(number) + 0.6);
    pugi::xml_node sample = add(svg_, "path");
    set(sample, "d", fmt::format("M{:.0f} {:.1f} L{:.0f} {:.1f}", kLeft, y - 4, kLeft + 26, y - 4));
    style(sample, colour, curve.dashed);
    add_text(svg_, kLeft + 34, y, "start", curve.name);
  }

  void draw_point(const ChartPoint& point, double x, double y, const std::string& name, const char* colour) {
    if (point.low > 0 && point.high > point.low) {
      const double top = std::max(y_.pixel(point.high), kTop),
                   bottom = std::min(y_.pixel(point.low), kHeight - kBottom);
      add_line(svg_, x, top, x, bottom, colour);
    }
    pugi::xml_node dot = add(svg_, "circle");
    set(dot, "cx", x);
    set(dot, "cy", y);
    set(dot, "r", 3.0);
    set(dot, "fill", std::string_view(colour));
    add(dot, "title",
        fmt::format("{}: {}, {}", name, format_bytes(static_cast<std::uint64_t>(point.x)), time_text(point.y)));
  }

  static void style(pugi::xml_node path, const char* colour, bool dashed) {
    set(path, "fill", std::string_view("none"));
    set(path, "stroke", std::string_view(colour));
    set(path, "stroke-width", 1.8);
    if (dashed) set(path, "stroke-dasharray", std::string_view("5 4"));
  }

  const LineChart& chart_;
  Axis x_{kLeft, kWidth - kRight}, y_{kHeight - kBottom, kTop};
  std::vector<double> sizes_;
  pugi::xml_node svg_;
};

}  // namespace

void draw(pugi::xml_node parent, const LineChart& chart) { Drawing(parent, chart); }

}  // namespace symmbench
