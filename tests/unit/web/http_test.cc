#include "web/http.h"

#include <gmock/gmock.h>

namespace web {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(AcceptsGzip, HonoursQualities) {
  for (const char* yes : {"gzip", "GZIP", "deflate, gzip", "gzip;q=0.5", "*", "gzip, identity;q=1",
                          "br;q=1.0, gzip;q=0.8, *;q=0.1", " gzip ; q=1 ", "gzip;q=0.001"}) {
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  }
  for (const char* no :
       {"", "identity", "deflate", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "gzip;q=x",
        "gzip;q=2", "identity, gzip;q=0.5", "xgzip", "gzipx"}) {
    EXPECT_FALSE(accepts_gzip(no)) << no;
  }
}

TEST(PercentDecode, IsStrict) {
  EXPECT_EQ(percent_decode("%41%7a+b", false).value(), "Az+b");
  EXPECT_EQ(percent_decode("a+b%2B", true).value(), "a b+");
  for (const char* bad : {"%", "%4", "%4g", "%zz", "%-1", "a%00b", "%+1"}) {
    EXPECT_FALSE(percent_decode(bad, false).ok()) << bad;
  }
}

TEST(PercentEncode, IsTheInverse) {
  const std::string all = "a&b=c ä%\"<>\x01/?#";
  EXPECT_EQ(percent_decode(percent_encode(all), true).value(), all);
}

TEST(ParseQuery, KeepsOrderAndRepetition) {
  EXPECT_THAT(parse_query("a=1&b&a=2&&c==%3D").value(),
              ElementsAre(Pair("a", "1"), Pair("b", ""), Pair("a", "2"), Pair("c", "==")));
  EXPECT_FALSE(parse_query("a=%1").ok());
}

TEST(Request, FindsHeadersWithoutRegardToCase) {
  Request request;
  request.headers = {{"X-One", "1"}, {"x-one", "2"}};
  EXPECT_EQ(*request.header("x-ONE"), "1");
  EXPECT_EQ(request.header("x-on"), nullptr);
}

}  // namespace
}  // namespace web
