#include "model/probe_result.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

namespace model {

namespace {

// RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1
const char* unreachable_v4(std::uint8_t code) {
  switch (code) {
    case ICMP_NET_UNREACH:
      return "network unreachable";
    case ICMP_HOST_UNREACH:
      return "host unreachable";
    case ICMP_PROT_UNREACH:
      return "protocol unreachable";
    case ICMP_PORT_UNREACH:
      return "port unreachable";
    case ICMP_FRAG_NEEDED:
      return "fragmentation needed";
    case ICMP_SR_FAILED:
      return "source route failed";
    case ICMP_NET_UNKNOWN:
      return "network unknown";
    case ICMP_HOST_UNKNOWN:
      return "host unknown";
    case ICMP_HOST_ISOLATED:
      return "source host isolated";
    case ICMP_NET_ANO:
      return "network administratively prohibited";
    case ICMP_HOST_ANO:
      return "host administratively prohibited";
    case ICMP_NET_UNR_TOS:
      return "network unreachable for this type of service";
    case ICMP_HOST_UNR_TOS:
      return "host unreachable for this type of service";
    case ICMP_PKT_FILTERED:
      return "communication administratively prohibited";
    case ICMP_PREC_VIOLATION:
      return "host precedence violation";
    case ICMP_PREC_CUTOFF:
      return "precedence cutoff";
    default:
      return "destination unreachable";
  }
}

// RFC 4443 3.1, RFC 8883
const char* unreachable_v6(std::uint8_t code) {
  switch (code) {
    case ICMP6_DST_UNREACH_NOROUTE:
      return "no route to destination";
    case ICMP6_DST_UNREACH_ADMIN:
      return "communication administratively prohibited";
    case ICMP6_DST_UNREACH_BEYONDSCOPE:
      return "beyond scope of source address";
    case ICMP6_DST_UNREACH_ADDR:
      return "address unreachable";
    case ICMP6_DST_UNREACH_NOPORT:
      return "port unreachable";
    case 5:
      return "source address failed ingress or egress policy";
    case 6:
      return "reject route to destination";
    default:
      return "destination unreachable";
  }
}

const char* words(const IcmpError& error) {
  if (error.family == base::IpFamily::ipv4) {
    if (error.type == ICMP_DEST_UNREACH) return unreachable_v4(error.code);
    if (error.type == ICMP_TIME_EXCEEDED) return "time to live exceeded";
    if (error.type == ICMP_PARAMETERPROB) return "parameter problem";
    return "ICMP error";
  }
  if (error.type == ICMP6_DST_UNREACH) return unreachable_v6(error.code);
  if (error.type == ICMP6_PACKET_TOO_BIG) return "packet too big";
  if (error.type == ICMP6_TIME_EXCEEDED) return "hop limit exceeded";
  if (error.type == ICMP6_PARAM_PROB) return "parameter problem";
  return "ICMPv6 error";
}

}  // namespace

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::resolve:
      return "resolve";
    case Stage::connect:
      return "connect";
    case Stage::banner:
      return "banner";
    case Stage::kexinit:
      return "kexinit";
    case Stage::done:
      return "done";
  }
  return "";
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::dns_not_found:
      return "dns_not_found";
    case Outcome::dns_failed:
      return "dns_failed";
    case Outcome::refused_rst:
      return "refused_rst";
    case Outcome::rejected_icmp:
      return "rejected_icmp";
    case Outcome::timeout:
      return "timeout";
    case Outcome::local_error:
      return "local_error";
    case Outcome::closed:
      return "closed";
    case Outcome::reset:
      return "reset";
    case Outcome::turned_away:
      return "turned_away";
    case Outcome::not_ssh:
      return "not_ssh";
    case Outcome::unsupported_version:
      return "unsupported_version";
    case Outcome::malformed:
      return "malformed";
    case Outcome::no_common_algorithm:
      return "no_common_algorithm";
    case Outcome::ok:
      return "ok";
  }
  return "";
}

const char* name_of(CheckRole role) {
  switch (role) {
    case CheckRole::control:
      return "control";
    case CheckRole::alternative:
      return "alternative";
  }
  return "";
}

const char* name_of(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::accepted:
      return "accepted";
    case CheckOutcome::refused_rst:
      return "refused_rst";
    case CheckOutcome::rejected_icmp:
      return "rejected_icmp";
    case CheckOutcome::timeout:
      return "timeout";
    case CheckOutcome::local_error:
      return "local_error";
    case CheckOutcome::skipped:
      return "skipped";
  }
  return "";
}

std::string signal_name(const IcmpError& error) {
  std::string name = error.family == base::IpFamily::ipv4 ? "icmp_" : "icmp6_";
  return name + std::to_string(error.type) + "_" + std::to_string(error.code);
}

std::string describe(const IcmpError& error) {
  return std::string(words(error)) + " (" + std::to_string(error.type) + "/" +
         std::to_string(error.code) + ")";
}

}  // namespace model
