#include "web/basic_auth.h"

#include <crypt.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <chrono>
#include <memory>

namespace web {
namespace {

std::string hash_of(const std::string& password, const std::string& prefix = "$2b$04$") {
  auto work = std::make_unique<crypt_data>();
  return crypt_rn(password.c_str(), (prefix + "QEr42kuD4qT9dUmhK/Ukwe").c_str(), work.get(),
                  sizeof *work);
}

std::string basic(const std::string& credentials) {
  std::string encoded(credentials.size() * 2 + 4, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                             reinterpret_cast<const unsigned char*>(credentials.data()),
                             static_cast<int>(credentials.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return "Basic " + encoded;
}

bool allows(BasicAuth& auth, const std::string& header) { return auth.allows(&header); }

TEST(BasicAuth, WithoutUsersEverybodyMayEnter) {
  BasicAuth auth({});
  EXPECT_TRUE(auth.allows(nullptr));
}

TEST(BasicAuth, KnowsItsUsers) {
  BasicAuth auth({{"alice", hash_of("wonder:land")}, {"bob", hash_of("builder", "$2y$05$")}});
  for (int i = 0; i < 2; ++i) {  // the second time from the cache
    EXPECT_TRUE(allows(auth, basic("alice:wonder:land")));
    EXPECT_TRUE(allows(auth, basic("bob:builder")));
    EXPECT_FALSE(allows(auth, basic("alice:builder")));
    EXPECT_FALSE(allows(auth, basic("alice:")));
    EXPECT_FALSE(allows(auth, basic("mallory:builder")));
    EXPECT_FALSE(allows(auth, basic(":")));
  }
}

TEST(BasicAuth, RefusesMalformedHeaders) {
  BasicAuth auth({{"alice", hash_of("a")}});
  EXPECT_FALSE(auth.allows(nullptr));
  const auto good = basic("alice:a");
  for (const auto& header :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Bearer abc"),
        std::string("Basic !!!!"), good.substr(0, good.size() - 1), basic("alice"),
        basic(std::string("alice:a\0b", 9)), basic("alice:" + std::string(2000, 'a'))}) {
    EXPECT_FALSE(allows(auth, header)) << header;
  }
  EXPECT_TRUE(allows(auth, "bAsIc " + good.substr(6)));
}

TEST(BasicAuth, RemembersSuccesses) {
  BasicAuth auth({{"alice", hash_of("a", "$2b$10$")}});
  EXPECT_TRUE(allows(auth, basic("alice:a")));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(allows(auth, basic("alice:a")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

}  // namespace
}  // namespace web
