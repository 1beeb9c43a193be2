/**
 * Chromium and SwiftShader for a machine that has only Node: the npm package @sparticuz/chromium carries a headless Chromium, the
 * system libraries it needs, fonts, a Vulkan loader and SwiftShader, packed for AWS Lambda. Unpacked once into .cache, they give both
 * Chromium and (through the Vulkan loader) Dawn in Node a software adapter without root or apt.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../paths.js";

export interface ChromiumPackage {
  readonly executable: string;
  /** Environment variables that Chromium needs to find the libraries and fonts of the package. */
  readonly browserEnv: Readonly<Record<string, string>>;
  /** Environment variables that make a Vulkan program, Dawn in Node for one, load the package's SwiftShader. */
  readonly vulkanEnv: Readonly<Record<string, string>>;
}

/** The package has binaries for this system only. */
export const chromiumPackageRunsHere = process.platform === "linux" && process.arch === "x64";

/**
 * The unpacked package; unpacks it first when this version is not in the cache yet (3 s, 200 MB).
 * Throws where the package is not installed or has no binaries for this system.
 */
export async function chromiumPackage(): Promise<ChromiumPackage> {
  if (!chromiumPackageRunsHere) {
    throw new Error(
      `@sparticuz/chromium has no binaries for ${process.platform} ${process.arch}: install Chrome or Chromium, or set CHROME_PATH`,
    );
  }
  const folder = join(cacheFolder, `chromium-${packageVersion()}`);
  if (!existsSync(folder)) await unpackInto(folder);
  const libraries = join(folder, "al2023", "lib");
  const vulkan = join(folder, "vulkan");
  const driver = join(vulkan, "swiftshader_icd.json");
  return {
    executable: join(folder, "chromium"),
    browserEnv: { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: join(folder, "fonts") },
    vulkanEnv: { LD_LIBRARY_PATH: vulkan, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver },
  };
}

function packageVersion(): string {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const manifest = join(dirname(entry), "..", "..", "package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

/** Unpacks beside the target and renames, so that a killed or a second concurrent run never leaves half a browser behind. */
async function unpackInto(folder: string): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, "unpacking-"));
  try {
    // The package unpacks into the temporary folder of its process, and adds the system libraries only when it believes that it is on Lambda.
    const env = { ...process.env, TMPDIR: work, AWS_LAMBDA_JS_RUNTIME: "nodejs22.x" };
    const unpack = `import("@sparticuz/chromium").then((m) => m.default.executablePath())`;
    await promisify(execFile)(process.execPath, ["--eval", unpack], { env, cwd: import.meta.dirname });

    // Its fonts.conf names folders of Lambda.
    const fontsConf = `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig><dir prefix="relative">fonts</dir></fontconfig>\n`;
    await writeFile(join(work, "fonts", "fonts.conf"), fontsConf);

    // The Vulkan loader and driver in a folder of their own: the package's libEGL beside them is no one else's business.
    const vulkan = join(work, "vulkan");
    await mkdir(vulkan);
    for (const library of ["libvulkan.so.1", "libvk_swiftshader.so"]) await symlink(join("..", library), join(vulkan, library));
    const driver = { file_format_version: "1.0.0", ICD: { library_path: "./libvk_swiftshader.so", api_version: "1.0.5" } };
    await writeFile(join(vulkan, "swiftshader_icd.json"), JSON.stringify(driver));

    await rename(work, folder);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}
