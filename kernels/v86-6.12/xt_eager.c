// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creates the iptables and ip6tables tables while the kernel starts, in the first network namespace.
 *
 * Kernels since 5.15 create a table when a program first asks for it by name. The firewall of OpenWrt up to
 * 21.02 (fw3) asks for none: it reads /proc/net/ip_tables_names and skips every table it does not find there,
 * so on an unmodified router it would load no rule at all and say nothing about it. On the kernels those
 * releases were made for, a loaded table was always listed.
 *
 * A firmware that only uses nftables can do without: xt_eager.enable=0 on the kernel command line.
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/netfilter/x_tables.h>
#include <net/net_namespace.h>

static bool enable = true;
module_param(enable, bool, 0444);

static int __init xt_eager_init(void)
{
	static const struct {
		u8 family;
		const char *name;
	} wanted[] = {
		{ NFPROTO_IPV4, "raw" },
		{ NFPROTO_IPV4, "mangle" },
		{ NFPROTO_IPV4, "nat" },
		{ NFPROTO_IPV4, "filter" },
		{ NFPROTO_IPV6, "raw" },
		{ NFPROTO_IPV6, "mangle" },
		{ NFPROTO_IPV6, "filter" },
		/* Not IPv6 nat: OpenWrt ships without it, and fw3 warns about the chains it lacks there. */
	};
	unsigned int i;

	if (!enable)
		return 0;
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct xt_table *table = xt_find_table_lock(&init_net, wanted[i].family, wanted[i].name);

		if (IS_ERR(table))
			continue;
		module_put(table->me);
		xt_table_unlock(table);
	}
	return 0;
}
late_initcall(xt_eager_init);
