#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace base {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ParseInteger, TakesTheWholeTextOnly) {
  EXPECT_EQ(parse_integer<int>("0"), 0);
  EXPECT_EQ(parse_integer<int>("007"), 7);
  EXPECT_EQ(parse_integer<int>("-5"), -5);
  EXPECT_EQ(parse_integer<std::uint16_t>("65535"), 65535);
  for (const auto* text : {"", " 1", "1 ", "+1", "1.0", "0x1", "1e3", "a", "-"}) {
    EXPECT_EQ(parse_integer<int>(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_integer<int>(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(parse_integer<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(parse_integer<std::uint16_t>("-1"), std::nullopt);
  EXPECT_EQ(parse_integer<int>("99999999999999999999"), std::nullopt);
}

struct DurationCase {
  const char* text;
  Duration duration;
};

TEST(ParseDuration, ReadsWhatPrometheusReads) {
  for (const auto& [text, duration] :
       std::vector<DurationCase>{{"0", Duration::zero()},
                                 {"0s", Duration::zero()},
                                 {"1ms", milliseconds(1)},
                                 {"500ms", milliseconds(500)},
                                 {"15s", seconds(15)},
                                 {"090s", seconds(90)},
                                 {"1m", minutes(1)},
                                 {"1m30s", seconds(90)},
                                 {"1m0s", minutes(1)},
                                 {"1h1ms", hours(1) + milliseconds(1)},
                                 {"2d", hours(48)},
                                 {"1w", hours(7 * 24)},
                                 {"1y", hours(365 * 24)},
                                 {"1y2w3d4h5m6s7ms", hours((365 + 14 + 3) * 24 + 4) + minutes(5) +
                                                         seconds(6) + milliseconds(7)},
                                 {"100y", hours(100 * 365 * 24)}}) {
    auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(ParseDuration, RefusesTheRestWithAnExample) {
  for (const auto* text : {"",    " ",    "s",    "5",     "00",   "5 s",  " 5s",  "5s ",
                           "5S",  "5sec", "1.5s", "-5s",   "+5s",  "5s5s", "5s1m", "1ms1s",
                           "5us", "5ns",  "5m30", "1m-5s", "5s\n", "1h30", "m5",   "\xff"}) {
    auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().find("' is not a duration; write for example 500ms, 15s or 1m30s"),
              std::string::npos)
        << parsed.error();
  }
  EXPECT_FALSE(parse_duration(std::string_view("5s\0", 3)).ok());
}

TEST(ParseDuration, RefusesOverflow) {
  for (const auto* text : {"101y", "100y1ms", "99999999999999y", "9223372036854775807ms",
                           "9223372036854775807w", "99y99w"}) {
    auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error(), "'" + std::string(text) + "' is longer than a century");
  }
  EXPECT_FALSE(parse_duration("99999999999999999999s").ok());
}

TEST(FormatDuration, IsTheShortestTextThatReadsTheSame) {
  EXPECT_EQ(format_duration(Duration::zero()), "0s");
  EXPECT_EQ(format_duration(seconds(60)), "1m");
  EXPECT_EQ(format_duration(seconds(90)), "1m30s");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1s500ms");
  EXPECT_EQ(format_duration(hours(24 * 7)), "1w");
  EXPECT_EQ(format_duration(hours(24 * 366)), "1y1d");
  EXPECT_EQ(format_duration(-seconds(5)), "0s");
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    auto bits = static_cast<int>(random() % 42);
    Duration duration = milliseconds(static_cast<std::int64_t>(random() % (1ULL << bits)));
    auto parsed = parse_duration(format_duration(duration));
    ASSERT_TRUE(parsed.ok()) << parsed.error();
    ASSERT_EQ(*parsed, duration);
  }
}

TEST(HumanDuration, HasThreeDigitsOrSo) {
  EXPECT_EQ(human_duration(Duration::zero()), "0 µs");
  EXPECT_EQ(human_duration(microseconds(85)), "85 µs");
  EXPECT_EQ(human_duration(microseconds(999)), "999 µs");
  EXPECT_EQ(human_duration(Duration(999'600)), "1 ms");
  EXPECT_EQ(human_duration(milliseconds(340)), "340 ms");
  EXPECT_EQ(human_duration(Duration(999'600'000)), "1.00 s");
  EXPECT_EQ(human_duration(milliseconds(1214)), "1.21 s");
  EXPECT_EQ(human_duration(seconds(90)), "90.0 s");
}

TEST(ValidUtf8, FollowsRfc3629) {
  for (const auto* text :
       {"", "ascii\n", "é", "€", "\U0001f600", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
  for (const auto* text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
        "a\xff"
        "b"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

TEST(Printable, ReplacesWhatMovesOrReorders) {
  EXPECT_EQ(printable("plain é €", 100), "plain é €");
  EXPECT_EQ(printable("\x1b[31mred\x07\r\n\t\x7f", 100), "?[31mred?????");
  EXPECT_EQ(printable(std::string_view("a\0b", 3), 100), "a?b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m",
                      100),
            "?31m")
      << "C1 control sequence introducer";
  EXPECT_EQ(printable("\u202e\u2066\u200b\u200f\u2028\ufeff", 100), "??????");
  EXPECT_EQ(printable("a\xff\xc2", 100), "a??");
  EXPECT_EQ(printable("\xed\xa0\x80", 100), "???") << "a surrogate, one byte after the other";
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("12345678", 8), "12345678");
  EXPECT_EQ(printable("123456789", 8), "12345...");
  EXPECT_EQ(printable("éééé", 8), "éééé");
  EXPECT_EQ(printable("ééééé", 8), "éé...");
  EXPECT_EQ(printable("123456", 3), "...");
  EXPECT_EQ(printable("123456", 2), "");
  EXPECT_EQ(printable("123456", 0), "");
  EXPECT_EQ(printable("", 0), "");
}

TEST(Printable, IsAlwaysValidAndWithinTheLimit) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (auto length = random() % 24; length > 0; --length) {
      bytes += static_cast<char>(random() % 4 == 0 ? 'a' : random() % 256);
    }
    std::size_t limit = random() % 24;
    auto text = printable(bytes, limit);
    ASSERT_LE(text.size(), limit);
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(printable(text, 100), text);
  }
}

TEST(TakeLine, ToTheLastWhichMayBeCut) {
  std::string_view rest = "one\n\nthree";
  EXPECT_EQ(take_line(rest), "one");
  EXPECT_EQ(take_line(rest), "");
  EXPECT_EQ(take_line(rest), "three");
  EXPECT_EQ(rest, "");
  EXPECT_EQ(take_line(rest), "");
  rest = "one\n";
  EXPECT_EQ(take_line(rest), "one");
  EXPECT_EQ(rest, "");
}

TEST(Octal, FourDigits) {
  EXPECT_EQ(octal(0), "0000");
  EXPECT_EQ(octal(0644), "0644");
  EXPECT_EQ(octal(0104755), "4755");
}

TEST(EscapeHtml, EscapesTextAndAttributes) {
  EXPECT_EQ(escape_html("<a href=\"x\" id='y'>&amp;"),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape_html("é"), "é");
}

TEST(Nearest, SuggestsWhatIsNear) {
  constexpr std::array<std::string_view, 4> kKeys{"interval", "timeout", "depth", "macs"};
  EXPECT_EQ(nearest("intervall", kKeys), "interval");
  EXPECT_EQ(nearest("nterval", kKeys), "interval");
  EXPECT_EQ(nearest("timout", kKeys), "timeout");
  EXPECT_EQ(nearest("depht", kKeys), "depth");
  EXPECT_EQ(nearest("mac", kKeys), "macs");
  EXPECT_EQ(nearest("depth", kKeys), "depth");
  EXPECT_EQ(nearest("cloud", kKeys), "");
  EXPECT_EQ(nearest("completely_different", kKeys), "");
  EXPECT_EQ(nearest("", kKeys), "");
  EXPECT_EQ(nearest("word", {}), "");
}

}  // namespace
}  // namespace base
