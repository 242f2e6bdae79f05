// A solid in three dimensions: a binary STL file, drawn by WebGL, turned by mouse, finger or keys.
(() => {
  "use strict";
  const VERTEX = `
    attribute vec3 place; attribute vec3 normal; uniform mat4 view; uniform mat4 turn; varying vec3 facing;
    void main() { facing = mat3(turn) * normal; gl_Position = view * turn * vec4(place, 1.0); }`;
  const FRAGMENT = `
    precision mediump float; varying vec3 facing; uniform vec3 colour;
    void main() {
      vec3 n = normalize(facing);
      float light = 0.32 + 0.55 * max(0.0, dot(n, normalize(vec3(0.4, 0.7, 0.9)))) + 0.18 * max(0.0, dot(n, vec3(-0.7, -0.2, 0.5)));
      gl_FragColor = vec4(colour * light, 1.0);
    }`;

  // 80 bytes of header, the number of triangles, and 50 bytes for each: normal, three corners, two bytes of nothing.
  function readStl(buffer) {
    const view = new DataView(buffer);
    const triangles = buffer.byteLength >= 84 ? view.getUint32(80, true) : 0;
    if (!triangles || buffer.byteLength < 84 + 50 * triangles) throw new Error("This is no binary STL file");
    const places = new Float32Array(9 * triangles), normals = new Float32Array(9 * triangles);
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (let one = 0; one < triangles; one += 1) {
      const start = 84 + 50 * one, corner = [];
      for (let number = 0; number < 9; number += 1) {
        const value = view.getFloat32(start + 12 + 4 * number, true);
        corner.push(value);
        places[9 * one + number] = value;
        low[number % 3] = Math.min(low[number % 3], value);
        high[number % 3] = Math.max(high[number % 3], value);
      }
      const [ax, ay, az, bx, by, bz, cx, cy, cz] = corner;
      const u = [bx - ax, by - ay, bz - az], v = [cx - ax, cy - ay, cz - az];
      const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      for (let number = 0; number < 9; number += 1) normals[9 * one + number] = n[number % 3];
    }
    return { places, normals, triangles, low, high };
  }

  function program(gl) {
    const made = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    return made;
  }

  // Column by column, as WebGL reads them.
  function turned(tilt, spin, middle, scale) {
    const [c, s, d, t] = [Math.cos(spin), Math.sin(spin), Math.cos(tilt), Math.sin(tilt)];
    const rows = [[c, -s, 0], [s * d, c * d, -t], [s * t, c * t, d]].map((row) => row.map((value) => value * scale));
    const shift = rows.map((row) => -row.reduce((sum, value, axis) => sum + value * middle[axis], 0));
    return [rows[0][0], rows[1][0], rows[2][0], 0, rows[0][1], rows[1][1], rows[2][1], 0, rows[0][2], rows[1][2], rows[2][2], 0, ...shift, 1];
  }

  function show(canvas, solid) {
    const gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
    if (!gl) throw new Error("This browser draws nothing in three dimensions");
    const made = program(gl);
    gl.useProgram(made);
    for (const [name, data] of [["place", solid.places], ["normal", solid.normals]]) {
      const place = gl.getAttribLocation(made, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0);
    }
    const middle = solid.low.map((value, axis) => (value + solid.high[axis]) / 2);
    const size = Math.hypot(...solid.high.map((value, axis) => value - solid.low[axis])) || 1;
    let tilt = -0.7, spin = 0.5, near = 1.7;

    function draw() {
      const ratio = window.devicePixelRatio || 1;
      canvas.width = canvas.clientWidth * ratio;
      canvas.height = canvas.clientHeight * ratio;
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.enable(gl.DEPTH_TEST);
      const wide = canvas.width / canvas.height;
      gl.uniformMatrix4fv(gl.getUniformLocation(made, "view"), false, [1 / wide, 0, 0, 0, 0, 1, 0, 0, 0, 0, -0.3, 0, 0, 0, 0, 1]);
      gl.uniformMatrix4fv(gl.getUniformLocation(made, "turn"), false, turned(tilt, spin, middle, near / size));
      gl.uniform3f(gl.getUniformLocation(made, "colour"), 0.36, 0.55, 0.95);
      gl.drawArrays(gl.TRIANGLES, 0, 3 * solid.triangles);
    }

    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      spin += event.movementX / 120;
      tilt += event.movementY / 120;
      draw();
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      near *= Math.exp(-event.deltaY / 800);
      draw();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [0, -0.15], ArrowRight: [0, 0.15], ArrowUp: [-0.15, 0], ArrowDown: [0.15, 0] }[event.key];
      if (steps) [tilt, spin] = [tilt + steps[0], spin + steps[1]];
      else if (event.key === "+") near *= 1.15;
      else if (event.key === "-") near /= 1.15;
      else return;
      event.preventDefault();
      draw();
    });
    new ResizeObserver(draw).observe(canvas);
    draw();
  }

  for (const part of document.querySelectorAll(".solid[data-solid]")) {
    const said = part.querySelector(".solid-said");
    fetch(part.dataset.solid)
      .then((answer) => { if (!answer.ok) throw new Error("The file is gone"); return answer.arrayBuffer(); })
      .then((buffer) => {
        const solid = readStl(buffer);
        show(part.querySelector("canvas"), solid);
        const sides = solid.high.map((value, axis) => (value - solid.low[axis]).toFixed(1)).join(" × ");
        said.textContent = `${sides} mm, ${solid.triangles} triangles`;
        part.dataset.shown = "yes";
      })
      .catch((error) => { said.textContent = `It cannot be shown: ${error.message}`; });
  }
})();
