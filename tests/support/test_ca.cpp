// SPDX-License-Identifier: Apache-2.0

#include "tests/support/test_ca.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace koppel::test {
namespace {

struct deleter {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

void demand(bool done) {
  if (!done) throw std::runtime_error("OpenSSL refused to make a test certificate");
}

owned<EVP_PKEY> make_key() {
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  demand(key != nullptr);
  return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const owned<X509_EXTENSION> extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
  demand(extension != nullptr);
  demand(X509_add_ext(certificate, extension.get(), -1) == 1);
}

owned<X509> make_blank(const std::string& common_name, EVP_PKEY* key, bool expired) {
  static long serial = 0;
  owned<X509> made{X509_new()};
  demand(made != nullptr);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  constexpr long day = 24L * 3600;
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -10 * day);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), expired ? -day : 10 * day);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return made;
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const owned<BIO> memory{BIO_new(BIO_s_mem())};
  demand(PEM_write_bio_X509(memory.get(), certificate) == 1);
  return text_of(memory.get());
}

std::string pem_of(EVP_PKEY* key) {
  const owned<BIO> memory{BIO_new(BIO_s_mem())};
  demand(PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(memory.get());
}

certificate make_leaf(const certificate_request& wanted, X509* issuer, EVP_PKEY* issuer_key) {
  const auto key = make_key();
  const auto made = make_blank(wanted.common_name, key.get(), wanted.expired);
  X509* const signer = issuer ? issuer : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
  add_extension(made.get(), signer, NID_ext_key_usage, "serverAuth");
  std::string names;
  for (const std::string& name : wanted.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) add_extension(made.get(), signer, NID_subject_alt_name, names);
  demand(X509_sign(made.get(), issuer ? issuer_key : key.get(), EVP_sha256()) > 0);
  return {pem_of(made.get()), pem_of(key.get())};
}

}  // namespace

struct test_ca::keys {
  owned<EVP_PKEY> key;
  owned<X509> root;
};

test_ca::test_ca() : keys_(std::make_unique<keys>()) {
  keys_->key = make_key();
  keys_->root = make_blank("Koppel test root", keys_->key.get(), false);
  X509* const root = keys_->root.get();
  X509_set_issuer_name(root, X509_get_subject_name(root));
  add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
  demand(X509_sign(root, keys_->key.get(), EVP_sha256()) > 0);
  root_pem_ = pem_of(root);
}

test_ca::~test_ca() = default;

certificate test_ca::issue(const certificate_request& wanted) const {
  return make_leaf(wanted, keys_->root.get(), keys_->key.get());
}

certificate test_ca::self_signed(const certificate_request& wanted) { return make_leaf(wanted, nullptr, nullptr); }

}  // namespace koppel::test
