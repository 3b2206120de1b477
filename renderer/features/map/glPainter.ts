/**
 * Paints with WebGL2: the texels are a texture of two bytes a cell, and one shader finds the cell of
 * each pixel and its colour in a small table, which has filter, difference and overlay in it. Nothing is computed per frame on the main thread, however many there are.
 */
import type { ClassMap } from './classMap.ts'
import type { Look, MapPainter } from './painter.ts'
import type { Rgb } from './palette.ts'
import type { Viewport } from './viewport.ts'
import { colourTable, isSameLook, tableColumns, tableRows } from './colourTable.ts'
import { takeTiles } from './painter.ts'
import { rgbOf } from './palette.ts'
import { scaleOf } from './viewport.ts'

/** More touched tiles than this are cheaper in one upload. */
const tilesForWholeUpload = 256

const vertexSource = `#version 300 es
void main() {
  gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`

const fragmentSource = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D texels;
uniform sampler2D table;
uniform vec2 corner;
uniform float scale;
uniform float height;
uniform vec3 surface;
uniform vec3 hatch;
out vec4 colour;

void main() {
  vec2 pixel = vec2(gl_FragCoord.x, height - gl_FragCoord.y);
  ivec2 cell = ivec2(floor(corner + pixel / scale));
  colour = vec4(surface, 1.0);
  if (any(lessThan(cell, ivec2(0))) || any(greaterThanEqual(cell, textureSize(texels, 0))))
    return;
  vec4 found = texelFetch(table, ivec2(texelFetch(texels, cell, 0).rg), 0);
  vec3 behind = mod(pixel.x + pixel.y, 5.0) < 1.5 ? hatch : surface;
  colour = vec4(mix(behind, found.rgb, found.a), 1.0);
}`

function compile(gl: WebGL2RenderingContext, type: GLenum, source: string): WebGLShader {
  const shader = gl.createShader(type)!
  gl.shaderSource(shader, source)
  gl.compileShader(shader)
  return shader
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram()
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, vertexSource))
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, fragmentSource))
  gl.linkProgram(program)
  if (gl.getProgramParameter(program, gl.LINK_STATUS) !== true && !gl.isContextLost())
    throw new Error(gl.getProgramInfoLog(program) ?? 'The shader does not link.')
  return program
}

/** The largest texture side, or 0 where there is no WebGL2. Asks on a canvas of its own, so that another can still be had. */
export function largestGlMap(): number {
  const gl = document.createElement('canvas').getContext('webgl2')
  const side = gl?.getParameter(gl.MAX_TEXTURE_SIZE) as number | undefined
  gl?.getExtension('WEBGL_lose_context')?.loseContext()
  return side ?? 0
}

export class GlPainter implements MapPainter {
  private readonly gl: WebGL2RenderingContext
  private readonly program: WebGLProgram
  private readonly locations = new Map<string, WebGLUniformLocation | null>()
  private map: ClassMap | null = null
  private look: Look | null = null

  /** Again after a lost context is restored. Throws where there is no WebGL2. */
  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false, stencil: false })
    if (!gl)
      throw new Error('There is no WebGL2.')
    this.gl = gl
    this.program = link(gl)
    gl.useProgram(this.program)
    gl.uniform1i(this.at('table'), 1)
    for (const unit of [gl.TEXTURE1, gl.TEXTURE0]) {
      gl.activeTexture(unit)
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST)
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST)
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1)
  }

  update(map: ClassMap): void {
    if (this.map !== map)
      this.uploadAll(map)
    else if (map.touched.size > tilesForWholeUpload)
      this.uploadAgain(map)
    else
      this.uploadTiles(map)
  }

  private uploadAll(map: ClassMap): void {
    const { gl } = this
    const { columns, rows } = map.layout
    map.touched.clear()
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG8UI, columns, rows, 0, gl.RG_INTEGER, gl.UNSIGNED_BYTE, map.texels)
    this.map = map
  }

  private uploadAgain(map: ClassMap): void {
    const { gl } = this
    const { columns, rows } = map.layout
    map.touched.clear()
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns, rows, gl.RG_INTEGER, gl.UNSIGNED_BYTE, map.texels)
  }

  private uploadTiles(map: ClassMap): void {
    const { gl } = this
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, map.layout.columns)
    for (const { column, row, columns, rows } of takeTiles(map)) {
      gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, column)
      gl.pixelStorei(gl.UNPACK_SKIP_ROWS, row)
      gl.texSubImage2D(gl.TEXTURE_2D, 0, column, row, columns, rows, gl.RG_INTEGER, gl.UNSIGNED_BYTE, map.texels)
    }
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0)
    gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, 0)
    gl.pixelStorei(gl.UNPACK_SKIP_ROWS, 0)
  }

  private at(name: string): WebGLUniformLocation | null {
    let location = this.locations.get(name)
    if (location === undefined) {
      location = this.gl.getUniformLocation(this.program, name)
      this.locations.set(name, location)
    }
    return location
  }

  private setColour(name: string, rgb: Rgb): void {
    this.gl.uniform3f(this.at(name), rgb[0] / 255, rgb[1] / 255, rgb[2] / 255)
  }

  private uploadTable(look: Look): void {
    const { gl } = this
    gl.activeTexture(gl.TEXTURE1)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, tableColumns, tableRows, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(colourTable(look).buffer))
    gl.activeTexture(gl.TEXTURE0)
    this.setColour('surface', rgbOf(look.colours.surface))
    this.setColour('hatch', rgbOf(look.colours.hatch))
    this.look = look
  }

  paint(view: Viewport, look: Look): void {
    const { gl } = this
    if (!this.map)
      return
    if (!this.look || !isSameLook(this.look, look))
      this.uploadTable(look)
    gl.viewport(0, 0, view.width, view.height)
    gl.uniform2f(this.at('corner'), view.column, view.row)
    gl.uniform1f(this.at('scale'), scaleOf(view))
    gl.uniform1f(this.at('height'), view.height)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
  }

  dispose(): void {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext()
  }
}
