// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells the kernel that its memory was restored from a saved state, which others may have been restored from as well.
 *
 * Everybody who visits a page gets the same saved router, with the same secrets in the random number generator. The
 * host writes 16 to 64 fresh random bytes to /proc/vmfork before anybody can use the router: they go into the input
 * pool, and the generator takes a new key from it at once. What the kernel has for this (drivers/virt/vmgenid.c) wants
 * ACPI, which this machine has not.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static ssize_t vmfork_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	u8 bytes[64];
	long error;

	if (count < 16 || count > sizeof(bytes))
		return -EINVAL;
	if (copy_from_user(bytes, from, count))
		return -EFAULT;
	add_device_randomness(bytes, count);
	memzero_explicit(bytes, sizeof(bytes));
	/* A new key now, instead of within a minute. Wants CAP_SYS_ADMIN. */
	error = random_fops.unlocked_ioctl(file, RNDRESEEDCRNG, 0);
	return error ? error : count;
}

static const struct proc_ops vmfork_ops = {
	.proc_write = vmfork_write,
	.proc_lseek = noop_llseek,
};

static int __init vmfork_init(void)
{
	return proc_create("vmfork", 0200, NULL, &vmfork_ops) ? 0 : -ENOMEM;
}
device_initcall(vmfork_init);
