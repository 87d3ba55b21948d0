/* The compiler, as lwIP asks for it. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

uint32_t host_random(void) __attribute__((import_module("host"), import_name("random")));

#define LWIP_RAND() host_random()
/* A broken invariant ends the instance before it corrupts anything; the page then makes a new one. */
#define LWIP_PLATFORM_ASSERT(message) __builtin_trap()
#define LWIP_PLATFORM_DIAG(message)

#endif
