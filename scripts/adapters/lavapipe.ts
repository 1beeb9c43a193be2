/** lavapipe, Mesa's Vulkan on the CPU: where its driver lies and how to make a program use it and nothing else. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

const DRIVER_FOLDERS = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/** Path of lavapipe's driver manifest, or undefined where Mesa's Vulkan drivers are not installed. */
export function findLavapipe(): string | undefined {
  for (const folder of DRIVER_FOLDERS) {
    const names = listing(folder);
    // Debian adds the architecture to the name: lvp_icd.x86_64.json.
    const manifest = names.find((name) => /^lvp_icd\b.*\.json$/.test(name));
    if (manifest !== undefined) return join(folder, manifest);
  }
  return undefined;
}

/** Environment variables for a program that is to run on lavapipe. Throws with the remedy where it is not installed. */
export function lavapipeEnv(): Readonly<Record<string, string>> {
  const manifest = findLavapipe();
  if (manifest === undefined)
    throw new Error(
      "lavapipe is not installed: run scripts/install-browsers.sh as root (Debian), or install Mesa's Vulkan drivers, 25 or newer",
    );
  return { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest };
}

function listing(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
