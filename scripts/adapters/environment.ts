/** The environment variables that choose a Vulkan driver. */

const VULKAN_VARIABLES = ["LD_LIBRARY_PATH", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

export type Environment = Readonly<Record<string, string | undefined>>;

/** This process's environment without a choice of Vulkan driver made for Dawn in Node: a browser brings or gets its own. */
export function environmentWithoutVulkan(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !VULKAN_VARIABLES.includes(name));
  return Object.fromEntries(kept) as Record<string, string>;
}
