#include "web/basic_auth.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>

namespace web {

namespace {

// Several Prometheis and a few people. When it is full it is emptied: nothing is lost but time.
constexpr std::size_t kCacheLimit = 100;
// bcrypt reads no more than 72 bytes; what is longer only costs time.
constexpr std::size_t kPasswordLimit = 1024;
// Compared with where there is no such user, so that guessing names takes as long. Of no password.
constexpr const char* kNobodysHash = "$2b$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu";

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 2 * kPasswordLimit) return std::nullopt;
  std::string decoded(text.size() / 4 * 3, '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                             reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  decoded.resize(static_cast<std::size_t>(size) - padding);
  return decoded;
}

}  // namespace

BasicAuth::BasicAuth(std::vector<std::pair<std::string, std::string>> users)
    : users_(std::move(users)), key_(32, '\0') {
  RAND_bytes(reinterpret_cast<unsigned char*>(key_.data()), static_cast<int>(key_.size()));
}

bool BasicAuth::allows(const std::string* authorization) {
  if (users_.empty()) return true;
  constexpr std::string_view kScheme = "basic ";
  if (authorization == nullptr || authorization->size() < kScheme.size() ||
      strncasecmp(authorization->data(), kScheme.data(), kScheme.size()) != 0) {
    return false;
  }
  auto credentials = decode_base64(std::string_view(*authorization).substr(kScheme.size()));
  if (!credentials) return false;
  auto colon = credentials->find(':');
  if (colon == std::string::npos || credentials->find('\0') != std::string::npos) return false;
  const auto user = credentials->substr(0, colon);
  const auto password = credentials->substr(colon + 1);
  if (password.size() > kPasswordLimit) return false;
  const auto digest = digest_of(user, password);
  {
    std::lock_guard lock(cache_mutex_);
    if (known_good_.contains(digest)) return true;
  }
  if (!verify(user, password)) return false;
  std::lock_guard lock(cache_mutex_);
  if (known_good_.size() >= kCacheLimit) known_good_.clear();
  known_good_.insert(digest);
  return true;
}

bool BasicAuth::verify(const std::string& user, const std::string& password) {
  bool known = false;
  std::string hash = kNobodysHash;
  for (const auto& [name, hash_of_name] : users_) {
    if (name != user) continue;
    known = true;
    hash = hash_of_name;
  }
  // A hash takes some 65 ms of a processor: guessers get one of them.
  std::lock_guard lock(bcrypt_mutex_);
  auto work = std::make_unique<crypt_data>();
  // Not crypt_r: the sanitizers put their own in its place, which keeps the linker from libcrypt.
  const char* result = crypt_rn(password.c_str(), hash.c_str(), work.get(), sizeof *work);
  bool equal = result != nullptr && std::strlen(result) == hash.size() &&
               CRYPTO_memcmp(result, hash.data(), hash.size()) == 0;
  return known && equal;
}

// Keyed, so that a core dump does not hold unsalted hashes of passwords.
std::string BasicAuth::digest_of(std::string_view user, std::string_view password) const {
  std::string text(user);
  text += '\0';
  text += password;
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(digest.data()), &size);
  OPENSSL_cleanse(text.data(), text.size());
  digest.resize(size);
  return digest;
}

}  // namespace web
